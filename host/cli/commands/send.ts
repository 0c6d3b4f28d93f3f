import { defineCommand } from '../command.ts'
import { printJson } from '../print.ts'
import { countText, plain } from '../text.ts'

const schema = 'selvedge.sent/1'

export const send = defineCommand({
  name: 'send',
  summary: 'send a message to a topic',
  details:
    'When it returns the message is on this node’s disk, for each node and app that hears the topic as far as the topic ' +
    'goes. It arrives when they can be reached, also after a restart.',
  arguments: [
    { name: 'TOPIC', required: true },
    { name: 'BODY', required: false },
  ],
  options: {
    key: {
      kind: 'text',
      value: 'TEXT',
      help: 'messages of one key arrive in the order in which they were sent',
    },
    type: { kind: 'text', value: 'TYPE', help: 'what the body is, as application/json' },
  },
  json: schema,
  usesNode: true,
  examples: [
    { line: 'send shop/door open', says: 'to all who hear shop/door' },
    {
      line: 'send shop/till \'{"total": 12}\' --type application/json --key till-1',
      says: 'in order, by key',
    },
  ],
  async run(context) {
    const { client, options, args, json, world } = context
    const [topic = '', body = ''] = args
    const receipt = await client.send({
      topic,
      body: Buffer.from(body).toString('base64'),
      key: options.key,
      contentType: options.type,
    })
    if (json) printJson(context, schema, receipt)
    else {
      const { nodes, heardBy, scope, id } = receipt
      const here = heardBy.length === 0 ? [] : [countText(heardBy.length, 'subscription') + ' here']
      const there = nodes.length === 0 ? [] : [nodes.map(plain).join(', ')]
      const to = [...here, ...there].join(' and ')
      const where = { node: 'on this node', group: 'in its groups', mesh: 'in the mesh' }[scope]
      if (to === '') world.stderr.write(`nobody hears ${plain(topic)} ${where}: the message went to nobody\n`)
      else world.stdout.write(`${id} on its way to ${to}\n`)
    }
    return 0
  },
})
