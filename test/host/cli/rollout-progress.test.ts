import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AppStatus, NodeStatus, StatusReport } from '../../../host/api/index.ts'
import { isSettled, rolloutProgress } from '../../../host/cli/rollout-progress.ts'
import { watcherFor } from '../../../host/cli/rollout-watchers.ts'
import { followRelease } from '../../../host/cli/wait-for-release.ts'
import { SelvedgeError, systemClock, type Clock } from '../../../core/index.ts'
import { sampleNow, sampleStatus } from '../api/sample-status.ts'
import { caughtOutput, noStreams } from './fake-world.ts'

const running: AppStatus = {
  app: 'light-alarm',
  version: '2.0.0',
  seq: 2,
  state: 'running',
  since: sampleNow - 1_000,
  failures: 0,
}
const before: AppStatus = { ...running, version: '1.0.0', seq: 1 }
const reason = { code: 'ERR_IMPORTS_REFUSED', message: 'wasi:http is not offered', hint: 'leave it out' }

function node(name: string, apps: readonly AppStatus[], changes: Partial<NodeStatus> = {}): NodeStatus {
  const [sample] = sampleStatus.nodes
  if (sample === undefined) throw new Error('the sample has nodes')
  return { ...sample, id: name, name, apps, ...changes }
}

function report(...nodes: NodeStatus[]): StatusReport {
  return { ...sampleStatus, nodes }
}

const wanted = { app: 'light-alarm', seq: 2, groups: ['lobby'] }
const stages = (seen: StatusReport): string[] =>
  rolloutProgress(seen, wanted, sampleNow).nodes.map(({ name, stage, doing }) => `${name} ${stage}: ${doing}`)

describe('how far a release has come', () => {
  it('a node runs it only when it runs that release or a newer one', () => {
    expect(
      stages(
        report(
          node('a', [running]),
          node('b', [before]),
          node('c', []),
          node('d', [{ ...before, next: { version: '2.0.0', seq: 2, state: 'preparing' } }]),
          node('e', [{ ...running, state: 'starting' }]),
          node('f', [{ ...running, version: '3.0.0', seq: 3 }]),
          node('g', [{ ...before, next: { version: '2.0.0', seq: 2, state: 'failed', reason } }]),
          node('h', [{ ...running, state: 'backoff' }]),
        ),
      ),
    ).toEqual([
      'a running: running',
      'b under way: has not heard of it yet',
      'c under way: has not heard of it yet',
      'd under way: preparing',
      'e under way: starting',
      'f running: running a newer release, 3.0.0',
      'g failed: failed',
      'h under way: backoff',
    ])
  })

  it('only alive nodes of its groups are waited for, the others are named', () => {
    const progress = rolloutProgress(
      report(
        node('a', [running]),
        node('b', [], { groups: ['garage'] }),
        node('c', [], { state: 'dead' }),
        node('d', [], { state: 'left' }),
      ),
      wanted,
      sampleNow,
    )
    expect(progress).toMatchObject({ running: 1, away: [{ name: 'c', state: 'dead' }] })
    expect(progress.nodes.map(({ name }) => name)).toEqual(['a'])
    expect(isSettled(progress)).toBe(true)
  })

  it('a release that no node may run yet is not settled', () => {
    expect(isSettled(rolloutProgress(report(), wanted, sampleNow))).toBe(false)
  })
})

describe('waiting for it', () => {
  const options = { ...wanted, version: '2.0.0', timeoutMs: 60_000 }
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => void vi.useRealTimers())

  /** Each look is one of `reports`, the last for ever; each takes 100 ms of this clock. */
  function watching(reports: readonly (StatusReport | Error)[], signal = new AbortController().signal) {
    let looks = 0
    let nowMs = 0
    const clock: Clock = { ...systemClock, now: () => sampleNow, monotonicMs: () => nowMs }
    const stderr = caughtOutput()
    const world = {
      stdout: caughtOutput(),
      stderr,
      cwd: '/',
      folders: { data: '/', keys: '/', cache: '/' },
      env: {},
      streams: noStreams,
      clock,
      signal,
      startNode: () => Promise.reject(new Error('no node here')),
    }
    const client = {
      status: () => {
        looks += 1
        // The first takes as long itself; behind the others the time passes, as nobody rests for nothing then.
        nowMs ||= 100
        const seen = reports[Math.min(looks, reports.length) - 1] ?? sampleStatus
        if (!(seen instanceof Error)) return Promise.resolve(seen)
        nowMs += 10_000
        return Promise.reject(seen)
      },
    }
    const watcher = watcherFor(world, 'light-alarm 2.0.0')
    const outcome = followRelease(world, client, options, {
      saw(progress, elapsedMs) {
        watcher.saw(progress, elapsedMs)
        nowMs += 100
      },
    })
    const run = { isOver: false }
    void outcome.catch(() => {}).then(() => (run.isOver = true))
    const result = outcome.then((seen) => {
      if (seen.error !== null) throw seen.error
      return { running: seen.progress.running, runningAtMs: seen.runningAtMs }
    })
    // Nobody rests between two looks but for as long as the others take.
    const passing = async (): Promise<void> => {
      while (!run.isOver) await vi.advanceTimersByTimeAsync(100)
    }
    void passing()
    return { result, stderr, looks: () => looks }
  }

  const away = (code: string): Error => new SelvedgeError(code, 'user', 'no node answers', '')

  it('goes on when the node that it asks was started again meanwhile', async () => {
    const unreachable = away('ERR_NODE_UNREACHABLE')
    const { result } = watching([report(node('a', [before])), unreachable, report(node('a', [running]))])
    expect(await result).toMatchObject({ running: 1 })
  })

  it('ends with what the node answers where it stays away, or refuses', async () => {
    const gone = watching([report(node('a', [before])), away('ERR_NODE_UNREACHABLE')])
    await expect(gone.result).rejects.toMatchObject({ code: 'ERR_NODE_UNREACHABLE' })
    expect(gone.looks()).toBeLessThanOrEqual(5)
    const refused = watching([report(node('a', [before])), away('ERR_DEPLOY_KEY')])
    await expect(refused.result).rejects.toMatchObject({ code: 'ERR_DEPLOY_KEY' })
    expect(refused.looks()).toBe(2)
  })

  it('tells each change of each node once', async () => {
    const fetching = (progress: number): AppStatus => ({
      ...before,
      next: { version: '2.0.0', seq: 2, state: 'fetching', progress },
    })
    const { result, stderr } = watching([
      report(node('a', [running]), node('b', [before])),
      report(node('a', [running]), node('b', [fetching(0.2)])),
      report(node('a', [running]), node('b', [fetching(0.7)])),
      report(node('a', [running]), node('b', [running])),
    ])
    expect(await result).toMatchObject({ running: 2 })
    expect(
      stderr
        .text()
        .trim()
        .split('\n')
        .map((line) => line.trim()),
    ).toEqual([
      '● a  running after 0.1 s',
      '◐ b  has not heard of it yet',
      '◐ b  fetching',
      '● b  running after 0.4 s',
    ])
  })

  it('a refusal ends it, with the reason of the node', async () => {
    const refused = report(
      node('a', [running]),
      node('b', [{ ...before, next: { version: '2.0.0', seq: 2, state: 'failed', reason } }]),
    )
    await expect(watching([refused]).result).rejects.toMatchObject({
      code: 'ERR_RELEASE_NOT_RUNNING',
      message: expect.stringContaining('b: failed: ERR_IMPORTS_REFUSED: wasi:http is not offered') as string,
      hint: 'leave it out',
    })
  })

  it('the end of the time says what each node waits for', async () => {
    const stuck = report(node('a', [running]), node('b', [before]))
    const ending = new AbortController()
    const { result } = watching([stuck], ending.signal)
    ending.abort()
    await expect(result).rejects.toMatchObject({
      code: 'ERR_NOT_IN_TIME',
      message: expect.stringMatching(/1\/2 nodes\n {2}b: has not heard of it yet/) as string,
    })
  })

  it('an app that does not survive its first events is no success', async () => {
    const why = { code: 'ERR_APP_TRAP', message: 'trapped: unreachable', hint: 'see its last lines' }
    const crashed: AppStatus = { ...running, state: 'backoff', failures: 1, reason: why }
    const runs = report(node('a', [running]))
    const { result } = watching([runs, runs, report(node('a', [crashed])), runs])
    await expect(result).rejects.toMatchObject({
      code: 'ERR_RELEASE_NOT_RUNNING',
      message: expect.stringMatching(/a: backoff for [^:]*: ERR_APP_TRAP: trapped: unreachable/) as string,
      hint: 'see its last lines',
    })
  })

  it('the second in which it is watched does not count as the time it took', async () => {
    const { result } = watching([report(node('a', [before])), report(node('a', [running]))])
    expect(await result).toMatchObject({ running: 1, runningAtMs: 200 })
  })

  it('nobody alive to run it is said too', async () => {
    const ending = new AbortController()
    ending.abort()
    const dead = report(node('a', [], { state: 'dead' }))
    await expect(watching([dead], ending.signal).result).rejects.toMatchObject({
      message: expect.stringContaining('no node of lobby is alive') as string,
    })
  })
})
