import type { ControlClient, HeardMessage } from '../../api/index.ts'
import { defineCommand } from '../command.ts'
import { paintFor } from '../paint.ts'
import { printJson } from '../print.ts'
import { plain, sizeText } from '../text.ts'

const schema = 'selvedge.message/1'

export const listen = defineCommand({
  name: 'listen',
  summary: 'show the messages of a topic as they come, until Ctrl-C',
  details: 'Only what comes while it listens: an app that must not miss any has a message trigger.',
  arguments: [{ name: 'TOPIC', required: true }],
  more: 'TOPIC…',
  options: {},
  json: schema,
  usesNode: true,
  examples: [
    { line: 'listen shop/door', says: 'from apps of this node and of others' },
    { line: 'listen shop/door shop/till --json', says: 'JSON Lines, one message per line' },
  ],
  async run(context) {
    const { world, client, args, json } = context
    for await (const message of client.listen(args, world.signal)) {
      if (json) printJson(context, schema, message)
      else world.stdout.write(renderMessage(message, world.stdout.colour))
    }
    if (!world.signal.aborted) world.stderr.write(`${await whyEnded(client)}\n`)
    return 0
  },
})

function whyEnded(client: ControlClient): Promise<string> {
  return client.status().then(
    () => 'the node ended this: its messages were not read for a while, and take room that apps need',
    () => 'the node has stopped',
  )
}

/** `12:03:07.120 lobby-1 shop/door [till-1] open`, times in UTC by the sender's clock. */
function renderMessage(message: HeardMessage, colour: boolean): string {
  const paint = paintFor(colour)
  const { timeMs, from, topic, key } = message
  const time = new Date(timeMs).toISOString().slice(-13, -1)
  const keyText = key === null ? '' : ` [${plain(key)}]`
  return `${paint.dim(time)} ${plain(from)} ${paint.cyan(plain(topic))}${keyText} ${bodyText(message)}\n`
}

/** Text where it is text; of the rest its size. */
function bodyText({ body, bodyBytes }: HeardMessage): string {
  const bytes = Buffer.from(body, 'base64')
  const cut = bodyBytes > bytes.length ? ` … (${sizeText(bodyBytes)})` : ''
  try {
    return `${plain(new TextDecoder('utf-8', { fatal: cut === '' }).decode(bytes))}${cut}`
  } catch {
    return `(${sizeText(bodyBytes)} that are no text)`
  }
}
