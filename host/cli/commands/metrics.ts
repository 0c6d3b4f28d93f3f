import { defineCommand } from '../command.ts'
import { printJson } from '../print.ts'

const schema = 'selvedge.metrics/1'

export const metrics = defineCommand({
  name: 'metrics',
  summary: 'print what this node counts, as Prometheus reads it',
  details:
    'One line for each number: calls, errors, memory and processor time of each app, starts of instances, requests ' +
    'over HTTP, the mesh, the daemon itself. Totals count from the start of the node. To let Prometheus read them ' +
    'over the network, start the node with --metrics HOST:PORT.',
  options: {},
  json: schema,
  usesNode: true,
  examples: [
    { line: 'metrics', says: 'every metric with its help, in Prometheus’ text format' },
    { line: 'metrics --json', says: 'the same numbers as one JSON document' },
  ],
  async run(context) {
    const { world, client, json } = context
    if (json) printJson(context, schema, { metrics: await client.metrics() })
    else world.stdout.write(await client.metricsText())
    return 0
  },
})
