/**
 * Two small guests in AssemblyScript, as an app's developer would write them: a clerk who is asked prices, and a buyer who
 * asks for whatever it is told. Their folders are written for a test, and built by the program under test.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Stage } from './harness.ts'

const manifest = (name: string, grants: string, hears: string, groups: readonly string[]): string => `
[app]
name = "${name}"
version = "1.0.0"

[component]
language = "assemblyscript"
world = "messaging-app"

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

/** Says what each thing costs, twice what is asked for as a pair, and nothing of what is secret. */
const clerk = `
import { done, err, Result, Unit } from './bindings/values'
import { Level, log } from './bindings/wasi-logging-logging'
import { reply } from './bindings/wasi-messaging-request-reply'
import { Error, Message } from './bindings/wasi-messaging-types'

export function handle(message: Message): Result<Unit, Error> {
  const text = String.UTF8.decode(message.data().buffer)
  log(Level.info, 'clerk', 'asked ' + text)
  const times = text == 'secret' ? 0 : text == 'pair' ? 2 : 1
  for (let at = 0; at < times; at++) {
    const answer = new Message(Uint8Array.wrap(String.UTF8.encode('12 for ' + text)))
    answer.setContentType('text/plain')
    const replied = reply(message, answer)
    if (replied.isErr) {
      message.drop()
      return err<Unit, Error>(replied.error)
    }
  }
  message.drop()
  return done<Error>()
}
`

/** Asks for what its own message says, and has what it was told in its log. */
const buyer = `
import { done, Result, Unit } from './bindings/values'
import { Level, log } from './bindings/wasi-logging-logging'
import { request, RequestOptions } from './bindings/wasi-messaging-request-reply'
import { Client, Error, ErrorTag, Message } from './bindings/wasi-messaging-types'

export function handle(message: Message): Result<Unit, Error> {
  const text = String.UTF8.decode(message.data().buffer)
  message.drop()
  const opened = Client.connect('')
  if (opened.isErr) return done<Error>()
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

async function guest(stage: Stage, at: string, name: string, toml: string, handler: string): Promise<string> {
  const folder = join(at, name)
  await mkdir(join(folder, 'assembly'), { recursive: true })
  await writeFile(join(folder, 'selvedge.toml'), toml)
  await writeFile(join(folder, 'asconfig.json'), options)
  await writeFile(join(folder, 'assembly/index.ts'), index)
  await writeFile(join(folder, 'assembly/handler.ts'), handler)
  await stage.mustRun(['build', folder])
  return folder
}

/** @returns the folder of the one who is asked, built */
export function clerkApp(stage: Stage, at: string, groups: readonly string[]): Promise<string> {
  return guest(
    stage,
    at,
    'clerk',
    manifest('clerk', 'subscribe = ["shop/price"]', 'shop/price', groups),
    clerk,
  )
}

/** @returns the folder of the one who asks, built */
export function buyerApp(stage: Stage, at: string, groups: readonly string[]): Promise<string> {
  const grants = 'publish = ["shop/price"]\nsubscribe = ["shop/wish"]'
  return guest(stage, at, 'buyer', manifest('buyer', grants, 'shop/wish', groups), buyer)
}
