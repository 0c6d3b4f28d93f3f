/**
 * What the demo draws: one row per node, 80 columns, redrawn in place on a terminal.
 * Pure: a scene goes in, lines come out. Every colour stands beside a sign or a word.
 */
import type pc from 'picocolors'

type Colors = ReturnType<typeof pc.createColors>

export interface NodeScene {
  readonly name: string
  readonly group: string
  /** `up`, `offline` (no mesh), `dead` … in words; the sign is drawn from it. */
  readonly condition: 'starting' | 'alive' | 'suspect' | 'dead' | 'offline' | 'isolated' | 'stopped'
  /** Newest last. */
  readonly samples: readonly number[]
  readonly unit: string
  readonly led: boolean | null
  readonly version: string | null
  /** What the app is doing, e.g. `running`, `2.0.0 fetching 63 %`. */
  readonly activity: string
  readonly lastEvent: number | null
}

export interface Scene {
  readonly title: string
  readonly seconds: number
  readonly nodes: readonly NodeScene[]
}

const bars = '▁▂▃▄▅▆▇█'
const sparkWidth = 16

/** The last samples as bars, scaled to their own range (a flat line stays in the middle). */
export function sparkline(samples: readonly number[], width = sparkWidth): string {
  const shown = samples.slice(-width)
  if (shown.length === 0) return ' '.repeat(width)
  const low = Math.min(...shown)
  const high = Math.max(...shown)
  const line = shown
    .map((value) => {
      const share = high === low ? 0.5 : (value - low) / (high - low)
      return bars[Math.min(bars.length - 1, Math.floor(share * bars.length))]
    })
    .join('')
  return line.padStart(width)
}

/** The scene as lines of at most 80 columns. */
export function drawScene(scene: Scene, colors: Colors): string[] {
  const clock = `${scene.seconds.toFixed(1)} s`
  const lines = [`${colors.bold(scene.title.padEnd(79 - clock.length))}${colors.dim(clock)}`]
  for (const group of new Set(scene.nodes.map((node) => node.group))) {
    lines.push(colors.dim(group))
    for (const node of scene.nodes.filter((candidate) => candidate.group === group))
      lines.push(drawNode(node, colors))
  }
  return lines
}

function drawNode(node: NodeScene, colors: Colors): string {
  const sign = {
    starting: '○',
    alive: '●',
    suspect: '◐',
    dead: '✗',
    offline: '◌',
    isolated: '◌',
    stopped: '✗',
  }[node.condition]
  const tint = {
    starting: 'dim',
    alive: 'green',
    suspect: 'yellow',
    dead: 'red',
    offline: 'yellow',
    isolated: 'yellow',
    stopped: 'red',
  } as const
  const value = node.samples.at(-1)
  const reading =
    value === undefined ? '' : `${value < 100 ? value.toFixed(1) : value.toFixed(0)} ${node.unit}`
  const led = node.led === null ? '     ' : node.led ? colors.yellow('◉ on ') : colors.dim('○ off')
  const event = node.lastEvent === null ? '' : `#${node.lastEvent}`
  const activity =
    node.condition === 'alive' || node.condition === 'starting'
      ? node.activity
      : `${node.condition} · ${node.activity}`
  return [
    ` ${colors[tint[node.condition]](sign)} ${node.name.padEnd(9)}`,
    colors.cyan(sparkline(node.samples)),
    reading.padStart(9),
    led,
    colors.bold((node.version ?? '').padEnd(6)),
    fit(activity, 18),
    // Ids jump ahead by a million after a crash.
    colors.dim(event.padStart(8)),
  ].join(' ')
}

function fit(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width)
}
