/**
 * A small guest that hears a topic and answers on another, in AssemblyScript as an app's developer would write it: its
 * folder is written for a test, and built by the program under test.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Stage } from './harness.ts'

const manifest = (topics: string): string => `
[app]
name = "postman"
version = "1.0.0"

[component]
language = "assemblyscript"
world = "messaging-app"

[grants]
publish = ["shop/echo"]
subscribe = ["shop/door"]

${topics}

[[triggers]]
kind = "message"
topic = "shop/door"
`

const options = `{ "options": { "runtime": "minimal", "optimizeLevel": 3, "shrinkLevel": 2, "noAssert": true } }\n`

const index = `import * as incomingHandler from './handler'\nexport { incomingHandler }\n`

/** Answers each message once; what came is in its log, in the order in which it came. */
const handler = `
import { done, err, Result, Unit } from './bindings/values'
import { Level, log } from './bindings/wasi-logging-logging'
import { send } from './bindings/wasi-messaging-producer'
import { Client, Error, Message } from './bindings/wasi-messaging-types'

export function handle(message: Message): Result<Unit, Error> {
  const text = String.UTF8.decode(message.data().buffer)
  const topic = message.topic()
  const type = message.contentType()
  message.drop()
  log(Level.info, 'postman', 'got ' + text + ' of ' + (topic !== null ? topic : '?') + ' as ' + (type !== null ? type : '?'))
  const opened = Client.connect('')
  if (opened.isErr) return err<Unit, Error>(opened.error)
  const client = opened.value
  const answer = new Message(Uint8Array.wrap(String.UTF8.encode('echo ' + text)))
  answer.addMetadata('key', 'echo')
  const sent = send(client, 'shop/echo', answer)
  const denied = send(client, 'shop/safe', new Message(new Uint8Array(1)))
  if (denied.isOk) log(Level.error, 'postman', 'it may send where it was not granted')
  client.drop()
  return sent.isErr ? err<Unit, Error>(sent.error) : done<Error>()
}
`

/** @param topics tables of the manifest @returns the app's folder, built */
export async function postman(stage: Stage, at: string, topics: string): Promise<string> {
  const folder = join(at, 'postman')
  await mkdir(join(folder, 'assembly'), { recursive: true })
  await writeFile(join(folder, 'selvedge.toml'), manifest(topics))
  await writeFile(join(folder, 'asconfig.json'), options)
  await writeFile(join(folder, 'assembly/index.ts'), index)
  await writeFile(join(folder, 'assembly/handler.ts'), handler)
  await stage.mustRun(['build', folder])
  return folder
}
