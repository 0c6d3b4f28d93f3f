import { fileURLToPath } from 'node:url'
import { generateHostTypes } from '@bytecodealliance/jco-transpile'
import { describe, expect, it } from 'vitest'
import { readWitSource, worldsOf } from '../../../host/build/wit-source.ts'

const wit = fileURLToPath(new URL('../../../wit', import.meta.url))

describe('the wit folder', () => {
  it('is accepted by jco as it is, with a type for every interface of the world', async () => {
    const files = await generateHostTypes(wit, { worldName: 'sensor-app' })
    const names = Object.keys(files).map((name) => name.replace(/^.*\//, ''))
    for (const part of [
      'sensor-app',
      'device-sensor',
      'device-pins',
      'config-store',
      'edge-sensor-handler',
    ]) {
      expect(names.filter((name) => name.includes(part))).toHaveLength(1)
    }
  })

  it('becomes one text with every package in it', async () => {
    const source = await readWitSource(wit)
    expect(source).toMatch(/^package selvedge:edge@0\.1\.0;/m)
    expect(source).toMatch(/^package selvedge:device@0\.1\.0 \{$/m)
    expect(source).toMatch(/^package wasi:config@0\.2\.0-rc\.1 \{$/m)
    expect(worldsOf(source)).toContain('sensor-app')
  })
})
