import { describe, expect, it } from 'vitest'
import type { StatusReport } from '../../../host/api/index.ts'
import { renderStatus } from '../../../host/cli/render-status.ts'
import { visibleLength } from '../../../host/cli/table.ts'
import { sampleNow, sampleStatus } from '../api/sample-status.ts'

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

  it.each([60, 80, 100, 132])('fits %i columns', (width) => {
    const widths = linesOf(renderStatus(sampleStatus, { ...view, width, colour: true })).map(visibleLength)
    expect(Math.max(...widths)).toBeLessThanOrEqual(width)
  })

  it('shows what is wrong first: problems, then groups and nodes in need', () => {
    const text = renderStatus(sampleStatus, view)
    expect(indexOf(text, 'ERR_PEER_DEAD')).toBeLessThan(indexOf(text, 'lobby  '))
    expect(indexOf(text, '✗ garage-2')).toBeLessThan(indexOf(text, '● garage-1'))
    expect(indexOf(text, '◐ lobby-3')).toBeLessThan(indexOf(text, '● lobby-1'))
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
