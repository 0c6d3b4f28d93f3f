/**
 * A clerk who is asked prices, and a buyer who asks for whatever it is told: two apps of one small guest in AssemblyScript,
 * as an app's developer would write it, built by the program under test.
 */
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Stage } from './harness.ts'

interface Role {
  readonly name: string
  readonly grants: string
  readonly hears: string
  readonly groups: readonly string[]
}

const roles: readonly Role[] = [
  { name: 'clerk', grants: 'subscribe = ["shop/price"]', hears: 'shop/price', groups: ['lobby'] },
  {
    name: 'buyer',
    grants: 'publish = ["shop/price"]\nsubscribe = ["shop/wish"]',
    hears: 'shop/wish',
    groups: ['lobby', 'garage'],
  },
]

const manifest = ({ name, grants, hears, groups }: Role, component: string): string => `
[app]
name = "${name}"
version = "1.0.0"

[component]
${component}

[grants]
${grants}

[topics."shop/price"]
scope = "mesh"

[placement]
groups = ${JSON.stringify(groups)}

[[triggers]]
kind = "message"
topic = "${hears}"
`

const options = `{ "options": { "runtime": "minimal", "optimizeLevel": 3, "shrinkLevel": 2, "noAssert": true } }\n`
const index = `import * as incomingHandler from './handler'\nexport { incomingHandler }\n`

/**
 * Asked a price it says what each thing costs, twice what is asked for as a pair, and nothing of what is secret. Told a
 * wish it asks for it, and has what came of that in its log.
 */
const handler = `
import { done, err, Result, Unit } from './bindings/values'
import { Level, log } from './bindings/wasi-logging-logging'
import { reply, request, RequestOptions } from './bindings/wasi-messaging-request-reply'
import { Client, Error, ErrorTag, Message } from './bindings/wasi-messaging-types'

export function handle(message: Message): Result<Unit, Error> {
  const text = String.UTF8.decode(message.data().buffer)
  const topic = message.topic()
  const ends = topic !== null && topic == 'shop/wish' ? wish(text) : price(message, text)
  message.drop()
  return ends
}

function price(message: Message, text: string): Result<Unit, Error> {
  log(Level.info, 'clerk', 'asked ' + text)
  const times = text == 'secret' ? 0 : text == 'pair' ? 2 : 1
  for (let at = 0; at < times; at++) {
    const answer = new Message(Uint8Array.wrap(String.UTF8.encode('12 for ' + text)))
    answer.setContentType('text/plain')
    const replied = reply(message, answer)
    if (replied.isErr) return err<Unit, Error>(replied.error)
  }
  return done<Error>()
}

function wish(text: string): Result<Unit, Error> {
  const opened = Client.connect('')
  if (opened.isErr) return err<Unit, Error>(opened.error)
  const client = opened.value
  const options = new RequestOptions()
  options.setTimeoutMs(text == 'secret' ? 500 : 20000)
  options.setExpectedReplies(text == 'pair' ? 2 : 1)
  const question = new Message(Uint8Array.wrap(String.UTF8.encode(text)))
  const asked = request(client, text == 'safe' ? 'shop/safe' : 'shop/price', question, options)
  question.drop()
  client.drop()
  if (asked.isErr) {
    log(Level.info, 'buyer', text + ' failed: ' + why(asked.error))
    return done<Error>()
  }
  let told = ''
  const replies = asked.value
  for (let at = 0; at < replies.length; at++) {
    told += '; ' + String.UTF8.decode(replies[at].data().buffer)
    replies[at].drop()
  }
  log(Level.info, 'buyer', text + ' told' + told)
  return done<Error>()
}

function why(error: Error): string {
  if (error.tag === ErrorTag.timeout) return 'timeout'
  if (error.tag === ErrorTag.connection) return 'connection: ' + error.asConnection
  if (error.tag === ErrorTag.permissionDenied) return 'denied'
  return 'other: ' + error.asOther
}
`

export interface Market {
  /** Their folders, in which nothing has to be built. */
  readonly clerk: string
  readonly buyer: string
  readonly file: string
}

/** Built once: both are the same component with other grants. */
export async function market(stage: Stage, at: string): Promise<Market> {
  const source = join(at, 'market')
  const [role] = roles
  if (role === undefined) throw new Error('there is no role')
  await mkdir(join(source, 'assembly'), { recursive: true })
  const built = 'language = "assemblyscript"\nworld = "messaging-app"'
  await writeFile(join(source, 'selvedge.toml'), manifest({ ...role, name: 'market' }, built))
  await writeFile(join(source, 'asconfig.json'), options)
  await writeFile(join(source, 'assembly/index.ts'), index)
  await writeFile(join(source, 'assembly/handler.ts'), handler)
  await stage.mustRun(['build', source])
  const file = join(source, 'build/market.wasm')
  for (const one of roles) {
    await mkdir(join(at, one.name), { recursive: true })
    await writeFile(join(at, one.name, 'selvedge.toml'), manifest(one, 'file = "app.wasm"'))
    await cp(file, join(at, one.name, 'app.wasm'))
  }
  return { clerk: join(at, 'clerk'), buyer: join(at, 'buyer'), file }
}
