import { describe, expect, it } from 'vitest'
import type { NodeStatus, StatusReport, Verdict } from '../../../host/api/index.ts'
import { renderStatus } from '../../../host/cli/render-status.ts'
import { visibleLength } from '../../../host/cli/table.ts'
import { overviewOf } from '../../../host/cli/status-overview.ts'
import { statusChanges } from '../../../host/cli/status-changes.ts'
import { timeText } from '../../../host/cli/time-text.ts'
import { sampleNow, sampleStatus } from '../api/sample-status.ts'
import { status300 } from './status-300.ts'

const view = { now: sampleNow, utcOffset: 0, reportAgeMs: 0, width: 80, colour: false }
const linesOf = (text: string): string[] => text.split('\n')
const indexOf = (text: string, wanted: string): number =>
  linesOf(text).findIndex((line) => line.includes(wanted))

describe('the picture of a mesh', () => {
  it('at 80 columns, without colour', async () => {
    await expect(renderStatus(sampleStatus, view)).toMatchFileSnapshot('goldens/status.txt')
  })

  it('at 80 columns, with colour', async () => {
    const text = renderStatus(sampleStatus, { ...view, colour: true })
    await expect(text.replaceAll('\u001b', '␛')).toMatchFileSnapshot('goldens/status-colour.txt')
    // Colour adds nothing that is not there without it.
    // oxlint-disable-next-line no-control-regex
    expect(text.replace(/\u001b\[[0-9;]*m/g, '')).toBe(renderStatus(sampleStatus, view))
  })

  it.each([40, 60, 80, 100, 132])('fits %i columns', (width) => {
    const widths = linesOf(renderStatus(sampleStatus, { ...view, width, colour: true })).map(visibleLength)
    expect(Math.max(...widths)).toBeLessThanOrEqual(width)
  })

  it('shows what is wrong first: problems, then groups and nodes in need', () => {
    const text = renderStatus(sampleStatus, view)
    expect(indexOf(text, 'ERR_PEER_DEAD')).toBeLessThan(indexOf(text, 'lobby  '))
    expect(indexOf(text, '✗ garage-2')).toBeLessThan(indexOf(text, '● garage-1'))
    expect(indexOf(text, '◐ lobby-3')).toBeLessThan(indexOf(text, '● lobby-1'))
  })

  it('says what was written to the disk, where nothing is wrong', () => {
    const textOf = (writes: StatusReport['writes'], problems: StatusReport['problems'] = []): string =>
      renderStatus({ ...sampleStatus, problems, ...(writes && { writes }) }, { ...view, width: 100 })
    const hour = 3_600_000
    expect(textOf({ totalBytes: 9e6, bytes: 1_200_000, overMs: hour })).toContain(
      '\nwritten to disk here: 1.2 MB in the last hour\n',
    )
    expect(textOf({ totalBytes: 9e6, bytes: 1_200_000, overMs: hour / 3 })).toContain(
      'written to disk here: 1.2 MB in the 20 min since the node started',
    )
    const wrong = [{ code: 'ERR_PEER_DEAD', message: 'dead', hint: '' }]
    expect(textOf({ totalBytes: 9e6, bytes: 5, overMs: hour }, wrong)).not.toContain('written')
    expect(textOf(undefined)).not.toContain('written')
  })

  it('says what components take of the disk, and is loud where little is left', () => {
    const lineOf = (
      components: StatusReport['components'],
      colour = false,
      problems: StatusReport['problems'] = [],
    ): string | undefined =>
      linesOf(renderStatus({ ...sampleStatus, problems, components }, { ...view, width: 100, colour })).find(
        (line) => line.includes('components here'),
      )
    expect(lineOf(null)).toBeUndefined()
    expect(lineOf({ usedBytes: 950, quotaBytes: null, evictedBytes: 0 })).toBe('components here: 950 B')
    expect(lineOf({ usedBytes: 950, quotaBytes: 1_000, evictedBytes: 70 })).toBe(
      'components here: 950 B, 95 % of the 1.0 KB they may take · 70 B made room for others',
    )
    expect(lineOf({ usedBytes: 950, quotaBytes: 1_000, evictedBytes: 0 }, true)).toContain('\u001b[33m')
    expect(lineOf({ usedBytes: 50, quotaBytes: 1_000, evictedBytes: 0 }, true)).not.toContain('\u001b[33m')
    // What is wrong has the screen, unless this may be why.
    const { problems } = sampleStatus
    expect(lineOf({ usedBytes: 50, quotaBytes: 1_000, evictedBytes: 0 }, false, problems)).toBeUndefined()
    expect(lineOf({ usedBytes: 950, quotaBytes: 1_000, evictedBytes: 0 }, false, problems)).toContain('95 %')
  })

  it('shows a node in each of its groups', () => {
    const [first, ...rest] = sampleStatus.nodes
    if (first === undefined) throw new Error('the sample has nodes')
    const report = { ...sampleStatus, nodes: [{ ...first, groups: ['lobby', 'garage'] }, ...rest] }
    const text = renderStatus(report, view)
    expect(linesOf(text).filter((line) => line.includes('● lobby-1'))).toHaveLength(2)
  })

  it('tells the trouble of this node’s own apps once, under the node, six of them on one screen', () => {
    const apps = ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) => ({
      app: `light-alarm-${letter}`,
      version: '2.0.0',
      seq: 2,
      state: 'backoff' as const,
      since: sampleNow - 50_000,
      failures: 3,
      reason: {
        code: 'ERR_APP_TRAP',
        message: `light-alarm-${letter} 2.0.0 trapped: unreachable`,
        hint: `see its last lines with \`selvedge logs light-alarm-${letter}\``,
      },
    }))
    const [self] = sampleStatus.nodes
    if (self === undefined) throw new Error('the sample has nodes')
    const ofApps = apps.map(({ app, reason }) => ({ ...reason, message: `${app}: ${reason.message}` }))
    const report: StatusReport = {
      ...sampleStatus,
      nodes: [{ ...self, apps }],
      problems: [...sampleStatus.problems, ...ofApps],
    }
    const text = renderStatus(report, view)
    expect(text.match(/ERR_APP_TRAP/g)).toHaveLength(6)
    expect(text).toContain('ERR_PEER_DEAD')
    expect(linesOf(text).length).toBeLessThanOrEqual(24)
  })

  it('shows no ping of a node that is dead', () => {
    const nodes = sampleStatus.nodes.map((node) => ({ ...node, rttMs: 0.7 }))
    const line = linesOf(renderStatus({ ...sampleStatus, nodes }, view)).find((text) =>
      text.includes('✗ garage-2'),
    )
    expect(line).toBeDefined()
    expect(line).not.toContain('ms')
  })

  it('says how old the picture is, and that the network is off', () => {
    expect(renderStatus(sampleStatus, view)).toContain('seen from lobby-1, now')
    expect(renderStatus(sampleStatus, { ...view, reportAgeMs: 65_000 })).toContain(
      'seen from lobby-1, 1 min ago',
    )
    const off: StatusReport = { ...sampleStatus, self: { ...sampleStatus.self, network: 'off' } }
    expect(renderStatus(off, view)).toContain('the network is off')
  })

  it('lets no peer write to the terminal', () => {
    const [first] = sampleStatus.nodes
    if (first === undefined) throw new Error('the sample has nodes')
    const evil = 'x\u001b[2J\r\n● fake\u202e'
    const report: StatusReport = {
      ...sampleStatus,
      mesh: { ...sampleStatus.mesh, name: evil },
      nodes: [
        {
          ...first,
          name: evil,
          why: evil,
          state: 'dead',
          arch: evil,
          groups: [evil],
          apps: first.apps.map((app) => ({
            ...app,
            app: evil,
            version: evil,
            reason: { code: 'ERR_X', message: evil, hint: evil },
          })),
        },
      ],
      problems: [{ code: 'ERR_X', message: evil, hint: evil }],
    }
    // oxlint-disable-next-line no-control-regex
    expect(renderStatus(report, view)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u202e]/)
    expect(linesOf(renderStatus(report, view)).some((line) => line.startsWith('● fake'))).toBe(false)
  })

  it('a mesh of one healthy node is a few lines', () => {
    const own = sampleStatus.nodes.slice(0, 1)
    const text = renderStatus({ ...sampleStatus, nodes: own, attacks: [], problems: [] }, view)
    expect(linesOf(text).length).toBeLessThan(10)
    expect(text).not.toContain('needs a look')
  })
})

/** A mesh in which all is well but what `changes` says of nodes. */
function meshWith(changes: Readonly<Record<string, Partial<NodeStatus>>>): StatusReport {
  const nodes = sampleStatus.nodes.map((node) => ({
    ...node,
    state: 'alive' as const,
    groups: node.groups.length === 0 ? ['roof'] : node.groups,
    apps: node.apps.filter(({ state }) => state === 'running'),
    ...changes[node.name],
  }))
  return { ...sampleStatus, nodes, attacks: [], problems: [] }
}

describe('each verdict', () => {
  const whys: Readonly<Record<Verdict, string>> = {
    alive: 'answers its probes',
    suspect: 'its probes get no answer here, for 1.2 s; 1 of the 3 nodes that watch it miss it',
    dead: 'its host refuses the connection: the process is gone',
    left: 'it said that it leaves',
    'cut-off': 'its probes get no answer here, for 4.0 s, though others hear it',
    isolated: 'its network is switched off',
  }

  it.each(Object.entries(whys) as [Verdict, string][])(
    '%s has its sign and its word, and looks as it did last time',
    async (state, why) => {
      const stateSince = sampleNow - 4_000
      const text = renderStatus(
        meshWith({ 'garage-1': { state, why, stateSince, recordAgeMs: 4_400 } }),
        view,
      )
      expect(text).toMatch(new RegExp(`[●◐✗○] garage-1 ${state} `))
      await expect(text).toMatchFileSnapshot(`goldens/status-${state}.txt`)
    },
  )

  it('of this very node, where it is cut off, comes first and plainly, with what to do', () => {
    const why = 'it reaches 1 of the 4 peers it counts on, and changes nobody’s state'
    const report = meshWith({ 'lobby-1': { state: 'isolated', why, stateSince: sampleNow - 180_000 } })
    const problem = {
      code: 'ERR_NODE_ISOLATED',
      message: `lobby-1 is isolated: ${why}`,
      hint: 'look at its cable',
    }
    const lines = linesOf(renderStatus({ ...report, problems: [problem] }, { ...view, width: 200 }))
    expect(lines[2]).toBe(`◐ this node is isolated since 22:11: ${why}; its apps run`)
    expect(lines[3]).toBe('  next: look at its cable')
    expect(lines.filter((line) => line.includes('ERR_NODE_ISOLATED'))).toEqual([])
  })

  it('stands beside what leads to a node, and what slows it', () => {
    const text = renderStatus(
      meshWith({ 'garage-1': { via: ['12D3KooWlobby-2'] }, 'garage-2': { slow: true } }),
      view,
    )
    expect(text).toContain('via lobby-2: it cannot be dialled itself')
    expect(text).toContain('slow: it says so itself · selvedge why garage-2')
  })
})

describe('the sentence about all', () => {
  const since = { stateSince: sampleNow - 3_600_000 }
  const textOf = (changes: Parameters<typeof meshWith>[0]): string | undefined =>
    overviewOf(meshWith(changes), view)?.text

  it('says that all is well, with how much that is', () => {
    expect(textOf({})).toBe('all 3 sites fine: 6 nodes, 2 apps')
    expect(textOf({ 'garage-1': { state: 'left' } })).toBe('all 3 sites fine: 5 nodes (1 left), 2 apps')
    const [one, two] = meshWith({}).nodes.filter(({ groups }) => groups.includes('lobby')) as [
      NodeStatus,
      NodeStatus,
    ]
    expect(overviewOf({ ...sampleStatus, nodes: [one, two] }, view)?.text).toBe('all 2 nodes fine, 2 apps')
    expect(overviewOf({ ...sampleStatus, nodes: [one] }, view)).toBeNull()
  })

  it('names an app that runs nowhere, as all who have it wait for somebody to bring what it needs', () => {
    const { nodes } = meshWith({})
    const waiting = (count: number) =>
      nodes.map((node, at) => ({
        ...node,
        apps: node.apps.map((app) => (at < count ? { ...app, state: 'waiting' as const } : app)),
      }))
    const textFor = (count: number): string =>
      overviewOf({ ...sampleStatus, nodes: waiting(count) }, view)?.text ?? ''
    expect(textFor(nodes.length)).toMatch(/^all 3 sites fine: .+ runs nowhere: it waits on \d nodes?/)
    expect(textFor(1)).not.toContain('runs nowhere')
  })

  it('names a site that is away as a whole, and else nodes and apps', () => {
    const cut = { state: 'cut-off' as const, ...since }
    expect(textOf({ 'garage-1': cut, 'garage-2': cut })).toBe(
      '2 of 3 sites fine; garage is cut off since 21:14',
    )
    expect(textOf({ 'garage-1': cut, 'garage-2': { state: 'dead', ...since } })).toBe(
      '2 of 3 sites fine; garage is out of reach since 21:14',
    )
    expect(textOf({ 'lobby-2': cut, 'garage-2': cut })).toBe('1 of 3 sites fine; 2 nodes are cut off')
    expect(textOf({ 'lobby-2': { state: 'dead', ...since } })).toBe(
      '2 of 3 sites fine; lobby-2 is dead since 21:14',
    )
  })
})

describe('a mesh of 300 nodes', () => {
  it('is a screen of what needs a look and counts of what does not', async () => {
    await expect(renderStatus(status300, view)).toMatchFileSnapshot('goldens/status-300.txt')
    await expect(renderStatus(status300, { ...view, width: 40 })).toMatchFileSnapshot(
      'goldens/status-300-narrow.txt',
    )
  })

  it.each([40, 80, 132])('fits %i columns', (width) => {
    for (const all of [false, true]) {
      const widths = linesOf(renderStatus(status300, { ...view, width, all })).map(visibleLength)
      expect(Math.max(...widths)).toBeLessThanOrEqual(width)
    }
  })

  it('is listed node by node where that was asked for, and one group in full', () => {
    expect(
      linesOf(renderStatus(status300, { ...view, all: true })).filter((line) => /[●◐✗○] hall\d/.test(line)),
    ).toHaveLength(300)
    const group = linesOf(renderStatus(status300, { ...view, group: 'hall-7' }))
    expect(group.filter((line) => line.includes('✗ hall7-'))).toHaveLength(20)
    expect(group.some((line) => line.includes('hall-3'))).toBe(false)
    expect(renderStatus(status300, { ...view, filter: 'hall3-2 ' })).not.toContain('hall3-3')
  })

  it('keeps its order whatever order the nodes come in', () => {
    const reversed = { ...status300, nodes: [...status300.nodes].reverse() }
    expect(renderStatus(reversed, view)).toBe(renderStatus(status300, view))
    const names = linesOf(renderStatus(status300, view)).flatMap(
      (line) => /^● (hall-\d+) /.exec(line)?.[1] ?? [],
    )
    expect(names.indexOf('hall-9')).toBeLessThan(names.indexOf('hall-10'))
  })
})

describe('changes', () => {
  it('are a line each; ages, round trips and progress are none', () => {
    const before = meshWith({})
    const older = before.nodes.map((node) => ({ ...node, recordAgeMs: 9_999, rttMs: 7 }))
    expect(statusChanges(before, { ...before, nodes: older }, view)).toEqual([])
    const after = meshWith({
      'garage-1': { state: 'dead', why: 'gone' },
      'lobby-2': { slow: true, apps: [] },
    })
    const problems = [{ code: 'ERR_X', message: 'it broke', hint: 'mend it' }]
    const nodes = after.nodes.filter(({ name }) => name !== 'roof-1')
    expect(statusChanges(before, { ...after, nodes, problems }, view)).toEqual([
      '22:14:20  lobby-2 says that it is slow',
      '22:14:20  lobby-2: light-alarm is gone',
      '22:14:20  lobby-2: uplink is gone',
      '22:14:20  garage-1: alive → dead: gone',
      '22:14:20  roof-1 is no member any more',
      '22:14:20  ✗ ERR_X: it broke · next: mend it',
    ])
    expect(statusChanges({ ...after, problems }, after, view)).toEqual(['22:14:20  ERR_X is over'])
  })
})

it('times are of the wall’s clock, with seconds while they are fresh and the day once it is another', () => {
  const at = { now: sampleNow, utcOffset: 120 }
  expect(timeText(sampleNow - 5_000, at)).toBe('00:14:15')
  expect(timeText(sampleNow - 600_000, at)).toBe('00:04')
  expect(timeText(sampleNow - 3_600_000, at)).toBe('14 Nov 23:14')
})
