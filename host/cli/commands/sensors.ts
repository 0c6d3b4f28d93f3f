import { isSelvedgeError, nearestName } from '../../../core/index.ts'
import type { DevicesReport } from '../../api/index.ts'
import { usage } from '../arguments.ts'
import { defineCommand } from '../command.ts'
import { record } from '../device-recorder.ts'
import { memberCalled } from '../known-member.ts'
import { printJson } from '../print.ts'
import { cliProblems } from '../problems.ts'
import { deviceChanges, renderDevices, renderRemoteDevices, type DevicesView } from '../render-devices.ts'
import { plain } from '../text.ts'
import { utcOffsetAt } from '../time-text.ts'
import { linesWith, watch } from '../watch.ts'
import type { World } from '../world.ts'

const schema = 'selvedge.devices/1'
const usualEveryMs = 1_000
const everyBounds = { least: 50, most: 3_600_000 } as const

export const sensors = defineCommand({
  name: 'sensors',
  summary: 'show what this node’s sensors read and how its pins are set',
  details:
    'Signs: ● well, ◐ stale or not read just now, ✗ missing or faulty, ○ a pin that is off. The bars are the values ' +
    'of the last minutes. With --record each new reading becomes a row of a CSV trace, until Ctrl-C; the driver ' +
    'replay plays it. With --node, of another node: which devices it has and how they are, by its own record.',
  more: 'NAME…',
  options: {
    watch: {
      kind: 'flag',
      short: 'w',
      help: 'draw it again every second, until q or Ctrl-C; a line for each change where there is no terminal',
    },
    record: {
      kind: 'text',
      value: 'FILE',
      help: 'write a trace of what the sensors read; - for standard output',
      completes: 'file',
    },
    every: { kind: 'text', value: 'TIME', help: 'with --record, from one reading to the next (default: 1s)' },
    node: { kind: 'text', value: 'NODE', help: 'of this node, by name or id', completes: 'node' },
  },
  json: schema,
  usesNode: true,
  examples: [
    { line: 'sensors', says: 'readings with unit and age' },
    { line: 'sensors light --watch', says: 'one of them, live' },
    { line: 'sensors light --record light.csv', says: 'a trace to replay elsewhere' },
  ],
  async run(context) {
    const { world, client, options, args, json } = context
    const look = async (): Promise<DevicesReport> => partOf(await client.devices(), args)
    if (options.record !== undefined) {
      if (options.watch || json || options.node !== undefined) {
        throw usage(sensors, '--record goes with neither --watch nor --json nor --node')
      }
      await record(world, { file: options.record, everyMs: await everyOf(options.every), look })
      return 0
    }
    if (options.every !== undefined) throw usage(sensors, '--every is for --record')
    if (options.node !== undefined) {
      if (options.watch || json || args.length > 0) {
        throw usage(
          sensors,
          '--node goes with neither names nor --watch nor --json; `selvedge status --json` has the same',
        )
      }
      const node = await memberCalled(client, options.node)
      world.stdout.write(renderRemoteDevices(node, world.stdout.colour))
      return 0
    }
    if (options.watch) await watchDevices(world, look, json)
    else {
      const report = await look()
      if (json) printJson(context, schema, report)
      else world.stdout.write(renderDevices(report, viewOf(world)))
    }
    return 0
  },
})

async function watchDevices(world: World, look: () => Promise<DevicesReport>, json: boolean): Promise<void> {
  await watch(
    world,
    {
      look,
      draw: (report, _ageMs, filter) => linesWith(renderDevices(report, viewOf(world)), filter),
      changes(before, report) {
        if (json) return `${JSON.stringify({ schema, ...report })}\n`
        if (before === null) return renderDevices(report, viewOf(world))
        return deviceChanges(before, report, viewOf(world))
          .map((line) => `${line}\n`)
          .join('')
      },
    },
    json,
  )
}

function viewOf({ stdout, clock }: World): DevicesView {
  const now = clock.now()
  return { now, utcOffset: utcOffsetAt(now), colour: stdout.colour }
}

/** @throws ERR_USAGE */
async function everyOf(text: string | undefined): Promise<number> {
  if (text === undefined) return usualEveryMs
  const { parseDuration } = await import('../../toml/index.ts')
  try {
    const everyMs = parseDuration(text)
    if (everyMs >= everyBounds.least && everyMs <= everyBounds.most) return everyMs
  } catch (error) {
    if (!isSelvedgeError(error, 'ERR_UNIT')) throw error
  }
  throw usage(
    sensors,
    `--every ${plain(text.slice(0, 40))} is no time from 50ms to 1h, written as 200ms, 1s or 5min`,
  )
}

/** The devices with these names, sensors and pins alike; all of them where there are none. @throws ERR_UNKNOWN_DEVICE */
function partOf(report: DevicesReport, names: readonly string[]): DevicesReport {
  if (names.length === 0) return report
  const known = [...report.sensors, ...report.pins].map(({ name }) => name)
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    const nearest = nearestName(unknown, known)
    throw cliProblems.error(
      'ERR_UNKNOWN_DEVICE',
      `this node has no sensor or pin called ${plain(unknown.slice(0, 80))}`,
      {
        ...(nearest !== null && { hint: `did you mean ${plain(nearest)}?` }),
      },
    )
  }
  const isWanted = ({ name }: { readonly name: string }): boolean => names.includes(name)
  return { sensors: report.sensors.filter(isWanted), pins: report.pins.filter(isWanted) }
}
