import type { DevicesReport } from '../../api/index.ts'
import { defineCommand } from '../command.ts'
import { paintFor } from '../paint.ts'
import { printJson } from '../print.ts'
import { table } from '../table.ts'
import { ageText, countText, plain } from '../text.ts'
import { linesWith, watch } from '../watch.ts'

const schema = 'selvedge.devices/1'

export const sensors = defineCommand({
  name: 'sensors',
  summary: 'show what this node’s sensors read and how its pins are set',
  options: { watch: { kind: 'flag', short: 'w', help: 'draw it again every second, until Ctrl-C' } },
  json: schema,
  usesNode: true,
  examples: [
    { line: 'sensors', says: 'readings with unit and age' },
    { line: 'sensors --watch', says: 'the same, live' },
  ],
  async run(context) {
    const { world, client, options, json } = context
    const { stdout, clock } = world
    const draw = (report: DevicesReport): string =>
      json ? `${JSON.stringify({ schema, ...report })}\n` : renderDevices(report, clock.now(), stdout.colour)
    if (options.watch) {
      await watch(
        world,
        {
          look: () => client.devices(),
          draw: (report, _ageMs, filter) => linesWith(draw(report), filter),
          changes: (_before, report) => draw(report),
        },
        json,
      )
      return 0
    }
    const report = await client.devices()
    if (json) printJson(context, schema, report)
    else stdout.write(draw(report))
    return 0
  },
})

function renderDevices(report: DevicesReport, now: number, colour: boolean): string {
  const paint = paintFor(colour)
  if (report.sensors.length + report.pins.length === 0) {
    return 'this node has no devices; name some in its TOML under [sensors.NAME] and [pins.NAME]\n'
  }
  const sensorRows = report.sensors.map(({ name, driver, value, unit, timeMs, problem }) => [
    problem === undefined ? paint.green('●') : paint.red('✗'),
    `sensor ${plain(name)}`,
    value === null ? 'no reading' : `${numberText(value)} ${plain(unit)}`,
    timeMs === null ? 'never read' : `${ageText(now - timeMs)} old`,
    plain(driver),
    problem === undefined ? '' : plain(problem),
  ])
  const pinRows = report.pins.map(({ name, driver, level, edges, problem }) => [
    problem !== undefined ? paint.red('✗') : level ? paint.green('●') : '○',
    `pin ${plain(name)}`,
    problem !== undefined ? 'not known' : level ? 'on' : 'off',
    edges.length === 0 ? 'never changed' : `${ageText(now - (edges.at(-1)?.timeMs ?? now))} so`,
    plain(driver),
    problem !== undefined ? plain(problem) : edges.length === 0 ? '' : countText(edges.length, 'edge'),
  ])
  return table([...sensorRows, ...pinRows])
}

/** Four significant digits: more is noise in a reading. */
function numberText(value: number): string {
  return String(Number(value.toPrecision(4)))
}
