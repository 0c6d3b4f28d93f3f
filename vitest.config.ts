import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['core/compat.ts'],
    globalSetup: ['test/global-setup.ts'],
    // Workers and child processes start in these; a slow machine must not fail them.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
  },
})
