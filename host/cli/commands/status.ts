import { defineCommand } from '../command.ts'
import { printJson } from '../print.ts'
import { renderStatus } from '../render-status.ts'
import { watch } from '../watch.ts'

const schema = 'selvedge.status/1'

export const status = defineCommand({
  name: 'status',
  summary: 'show the mesh as a node sees it: who lives, what runs',
  details:
    'Signs: ● alive, ◐ in doubt, ✗ dead, ○ left. The columns are name, verdict, platform, round trip, age of what ' +
    'is known of the node, and its apps. What needs a look comes first.',
  options: { watch: { kind: 'flag', short: 'w', help: 'draw it again every second, until Ctrl-C' } },
  json: schema,
  usesNode: true,
  examples: [
    { line: 'status', says: 'the mesh at a glance' },
    { line: 'status --watch', says: 'the same, live' },
    { line: 'status --json', says: 'for scripts: one JSON document' },
  ],
  async run(context) {
    const { world, client, options, json } = context
    const { stdout, clock } = world
    if (options.watch) {
      await watch(
        world,
        () => client.status(),
        (report, reportAgeMs) =>
          json
            ? `${JSON.stringify({ schema, ...report })}\n`
            : renderStatus(report, {
                now: clock.now(),
                reportAgeMs,
                width: stdout.width,
                colour: stdout.colour,
              }),
        stdout.isTTY && !json,
      )
      return 0
    }
    const report = await client.status()
    if (json) printJson(context, schema, report)
    else
      stdout.write(
        renderStatus(report, {
          now: clock.now(),
          reportAgeMs: 0,
          width: stdout.width,
          colour: stdout.colour,
        }),
      )
    return 0
  },
})
