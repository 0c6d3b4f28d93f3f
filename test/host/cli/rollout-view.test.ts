import { describe, expect, it } from 'vitest'
import type { AppStatus, NodeStatus, Transfer } from '../../../host/api/index.ts'
import { rolloutProgress } from '../../../host/cli/rollout-progress.ts'
import { rolloutLines, type RolloutScreen } from '../../../host/cli/rollout-view.ts'
import { watcherFor } from '../../../host/cli/rollout-watchers.ts'
import { visibleLength } from '../../../host/cli/table.ts'
import { sampleNow, sampleStatus } from '../api/sample-status.ts'
import { VirtualTerminal } from './virtual-terminal.ts'

const wanted = { app: 'light-alarm', seq: 2, groups: [] }
const old: AppStatus = {
  app: 'light-alarm',
  version: '1.0.0',
  seq: 1,
  state: 'running',
  since: sampleNow - 90_000,
  failures: 0,
}
const came = (changes: Partial<Transfer>): Transfer => ({
  haveBytes: 1_100_000,
  totalBytes: 1_100_000,
  fetchedBytes: 3_800,
  via: 'patch',
  ms: 300,
  ...changes,
})
const runs = (transfer: Transfer): AppStatus => ({
  ...old,
  version: '2.0.1',
  seq: 2,
  since: sampleNow - 800,
  transfer,
})
const comes = (share: number, bytesPerSecond: number): AppStatus => ({
  ...old,
  next: {
    version: '2.0.1',
    seq: 2,
    state: 'fetching',
    progress: share,
    transfer: came({
      haveBytes: share * 1_100_000,
      fetchedBytes: share * 1_100_000,
      via: 'peers',
      bytesPerSecond,
    }),
  },
})
const reason = {
  code: 'ERR_SENSOR_MISSING',
  message: 'this node has no sensor "light"',
  hint: 'add [sensors.light]',
}

function node(name: string, app: AppStatus | null, changes: Partial<NodeStatus> = {}): NodeStatus {
  const [sample] = sampleStatus.nodes
  if (sample === undefined) throw new Error('the sample has nodes')
  return { ...sample, id: name, name, apps: app === null ? [] : [app], ...changes }
}

const eight = [
  node('lobby-10', comes(0.42, 220_000)),
  node('lobby-2', runs(came({}))),
  node('lobby-1', runs(came({ via: 'disk', fetchedBytes: 0 }))),
  node('garage-1', { ...old, next: { version: '2.0.1', seq: 2, state: 'preparing', transfer: came({}) } }),
  node('garage-2', old),
  node('garage-3', { ...runs(came({})), state: 'starting' }),
  node('roof-1', { ...runs(came({})), state: 'waiting', reason }),
  node('roof-2', runs(came({})), { state: 'dead' }),
]
const screen: RolloutScreen = {
  title: 'light-alarm 2.0.1',
  elapsedMs: 2_100,
  width: 100,
  height: 24,
  colour: false,
}
const seen = (nodes: readonly NodeStatus[]) =>
  rolloutProgress(
    { ...sampleStatus, nodes, self: { ...sampleStatus.self, id: 'lobby-1' } },
    wanted,
    sampleNow,
  )

describe('a rollout on a terminal', () => {
  it('is a line for each node, in the order of their names', async () => {
    const text = `${rolloutLines(seen(eight), screen).join('\n')}\n`
    await expect(text).toMatchFileSnapshot('goldens/rollout.txt')
  })

  it('leaves the bar out where it is narrow', () => {
    const line = rolloutLines(seen(eight), { ...screen, width: 60 }).find((text) => text.includes('lobby-10'))
    expect(line).toBe('  ◐ lobby-10  fetching    42 %  0.5 of 1.1 MB  220.0 KB/s from peers')
  })

  it('of three hundred nodes is a line for each stage, those in trouble, and those furthest behind', async () => {
    const many = Array.from({ length: 300 }, (_, index) => {
      const name = `node-${index + 1}`
      if (index < 210) return node(name, runs(came({})))
      if (index === 290) return node(name, { ...runs(came({})), state: 'waiting', reason })
      if (index < 295) return node(name, comes((index - 210) / 90, 50_000))
      return node(name, null)
    })
    const lines = rolloutLines(seen(many), { ...screen, height: 16 })
    expect(lines.length).toBeLessThanOrEqual(16 - 2)
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('goldens/rollout-300.txt')
  })

  it('never takes more rows than there are, nor a line that wraps, at any size', () => {
    for (const height of [4, 5, 8, 11, 24]) {
      for (const width of [40, 60, 80, 200]) {
        const terminal = new VirtualTerminal(width, height)
        const watcher = watcherFor({ stderr: terminal, env: {} }, 'light-alarm 2.0.1')
        watcher.saw(seen(eight), 100)
        watcher.saw(seen(eight.slice(0, 3)), 200)
        watcher.saw(seen(eight), 300)
        expect(terminal.screen.length).toBeLessThan(height)
        expect(Math.max(...terminal.screen.map(visibleLength))).toBeLessThan(width)
      }
    }
  })

  it('says in words that nothing comes', () => {
    const [, line] = rolloutLines(seen([node('a', comes(0.5, 0))]), screen)
    expect(line).toContain('50 %  0.6 of 1.1 MB  nothing comes yet')
  })
})

describe('a rollout in a log', () => {
  it('has a line now and then for a download that goes on', () => {
    let text = ''
    const stderr = { write: (said: string) => void (text += said), isTTY: false, colour: false, width: 80 }
    const watcher = watcherFor({ stderr, env: {} }, '')
    for (let at = 0; at <= 25_000; at += 500) watcher.saw(seen([node('a', comes(at / 25_000, 44_000))]), at)
    watcher.saw(seen([node('a', runs(came({ via: 'peers', fetchedBytes: 1_100_000 })))]), 25_400)
    expect(text.trimEnd().split('\n')).toEqual([
      '  ◐ a  fetching',
      '  ◐ a  fetching   40 %  0.4 of 1.1 MB  44.0 KB/s from peers',
      '  ◐ a  fetching   80 %  0.9 of 1.1 MB  44.0 KB/s from peers',
      '  ● a  running after 25 s, 1.1 MB from peers',
    ])
  })
})
