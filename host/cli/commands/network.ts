import { defineCommand } from '../command.ts'
import { printJson } from '../print.ts'
import { usage } from '../arguments.ts'

export const network = defineCommand({
  name: 'network',
  summary: 'rehearse an outage: cut this node off, or let it back',
  details:
    'Off closes every connection to peers and takes no new ones; apps run on, and the node catches up when it is ' +
    'on again. It lasts until it is switched on or the node starts again without --offline.',
  arguments: [{ name: 'on|off', required: true, completes: ['on', 'off'] }],
  options: {},
  json: 'selvedge.network/1',
  usesNode: true,
  examples: [
    { line: 'network off', says: 'cut this node off' },
    { line: 'network on', says: 'let it back' },
  ],
  async run(context) {
    const { client, args, json } = context
    const [to = ''] = args
    if (to !== 'on' && to !== 'off')
      throw usage({ name: 'network' }, `the network can be on or off, not ${to}`)
    await client.setNetwork(to === 'on')
    if (json) printJson(context, 'selvedge.network/1', { network: to })
    else context.world.stdout.write(`network ${to}\n`)
    return 0
  },
})
