import { describe, expect, it } from 'vitest'
import { exportNames } from '../../../host/build/export-names.ts'

describe('the exports of a world', () => {
  it('have a spelling for sources, and only post-returns may be left out', () => {
    const names = exportNames([
      'cm32p2|selvedge:edge/sensor-handler@0.1|handle',
      'cm32p2|selvedge:edge/sensor-handler@0.1|handle_post',
      'cm32p2||run-once',
      'cm32p2_memory',
      'cm32p2_realloc',
      'cm32p2_initialize',
    ])
    expect(names.map(({ source, required }) => [source, required])).toEqual([
      ['memory', true],
      ['cabi_realloc', true],
      ['sensorHandler_handle', true],
      ['sensorHandler_handle_post', false],
      ['runOnce', true],
    ])
  })
})
