import { expect, it } from 'vitest'
import { run } from './fake-world.ts'

it('interfaces names the grant that opens each, and the one that gives more to what all have', async () => {
  const { stdout } = await run('interfaces')
  const lineOf = (path: string): string =>
    stdout.split('\n').find((line) => line.startsWith(`${path}@0.2`)) ?? ''
  expect(lineOf('wasi:keyvalue/store')).toContain(' keyvalue:NAME ')
  expect(lineOf('wasi:filesystem/preopens')).toContain(' always; more with folder:NAME ')
  expect(lineOf('wasi:clocks/wall-clock')).toMatch(/ always {2,}/)
})
