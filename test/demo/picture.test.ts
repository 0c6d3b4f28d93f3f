import { stripVTControlCharacters } from 'node:util'
import pc from 'picocolors'
import { describe, expect, it } from 'vitest'
import { drawScene, sparkline, type NodeScene } from '../../demo/picture.ts'

const plain = pc.createColors(false)

function node(changes: Partial<NodeScene>): NodeScene {
  return {
    name: 'lobby-1',
    group: 'lobby',
    condition: 'alive',
    samples: [],
    unit: 'lx',
    led: false,
    version: '1.0.0',
    activity: 'running',
    lastEvent: 1,
    ...changes,
  }
}

/** Every condition, readings of both sizes, and texts that have to be cut. */
const scene = {
  title: 'act 3 · the rule is turned around',
  seconds: 12.34,
  nodes: [
    node({ samples: [0, 100, 300, 500, 700, 900, 812.4], lastEvent: 41 }),
    node({
      name: 'garage-1',
      group: 'garage',
      samples: [80, 3, 5.25],
      unit: '%',
      led: true,
      lastEvent: 12345,
    }),
    node({ name: 'lobby-2', activity: '2.0.0 fetching 63 % of it', samples: [5, 5] }),
    node({ name: 'lobby-3', condition: 'suspect', version: null, led: null, lastEvent: null }),
    node({ name: 'garage-2', group: 'garage', condition: 'dead', led: null }),
    node({ name: 'garage-3', group: 'garage', condition: 'offline', version: '2.0.0', activity: 'running' }),
    node({ name: 'new', condition: 'starting', version: null, activity: '', led: null, lastEvent: null }),
  ],
}

describe('the picture', () => {
  it('shows groups, sparklines, readings, LEDs, versions and states', async () => {
    await expect(`${drawScene(scene, plain).join('\n')}\n`).toMatchFileSnapshot('goldens/picture.txt')
  })

  it('fits 80 columns', () => {
    for (const line of drawScene(scene, plain)) expect([...line].length, line).toBeLessThanOrEqual(80)
  })

  it('says the same with and without colours', () => {
    const bare = drawScene(scene, pc.createColors(true)).map(stripVTControlCharacters)
    expect(bare).toEqual(drawScene(scene, plain))
  })
})

describe('a sparkline', () => {
  it('is scaled to its own range, the newest last', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8)).toBe('▁▂▃▄▅▆▇█')
    expect(sparkline([9, 9, 0, 7], 2)).toBe('▁█')
  })

  it('of equal readings stays in the middle; of none it is blank', () => {
    expect(sparkline([4, 4], 4)).toBe('  ▅▅')
    expect(sparkline([], 3)).toBe('   ')
  })
})
