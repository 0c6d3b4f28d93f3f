/**
 * A guest that goes on to wherever it is told, over HTTP or by a call, and is told the same again there: two of it make a
 * circle. In AssemblyScript as an app's developer would write it, built by the program under test.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Stage } from './harness.ts'

const wit = `package test:ring;
world ring {
  import wasi:http/outgoing-handler@0.2.12;
  import selvedge:edge/call@0.1.0;
  export selvedge:edge/http-handler@0.1.0;
}
`

const manifest = `
[app]
name = "ring"
version = "1.0.0"

[component]
language = "assemblyscript"
world = "ring"
`

const options = `{ "options": { "runtime": "minimal", "optimizeLevel": 3, "shrinkLevel": 2, "noAssert": true } }\n`
const index = `import * as httpHandler from './handler'\nexport { httpHandler }\n`

/**
 * `/http:PORT:APP/call:APP`: the first step is taken, with the path that has it at its end. What comes back gets one letter
 * in front for each step, H or C, so that they can be counted.
 */
const handler = `
import { call, CallErrorTag } from './bindings/selvedge-edge-call'
import { Request, Response } from './bindings/selvedge-edge-http-handler'
import { ok, Result } from './bindings/values'
import { handle as send } from './bindings/wasi-http-outgoing-handler'
import { ErrorCodeTag, Fields, IncomingBody, OutgoingRequest, Scheme } from './bindings/wasi-http-types'
import { StreamErrorTag } from './bindings/wasi-io-streams'

export function handle(request: Request): Result<Response, string> {
  const steps = request.path.split('/')
  const first = steps[1]
  let next = ''
  for (let at = 2; at < steps.length; at++) next += '/' + steps[at]
  next += '/' + first
  const to = first.substring(5)
  return first.startsWith('http:') ? fetched(to, next) : called(to, next)
}

function called(app: string, path: string): Result<Response, string> {
  const answered = call(app, 'handle', '({method: "GET", path: "' + path + '", authority: "", headers: [], body: []})')
  if (answered.isErr) {
    const error = answered.error
    if (error.tag == CallErrorTag.refused) return answer('C refused: ' + error.asRefused)
    return answer('C error ' + error.tag.toString())
  }
  const text = answered.value
  const from = text.indexOf('body: [') + 7
  const bytes = text.substring(from, text.indexOf(']', from)).split(',')
  let body = ''
  for (let at = 0; at < bytes.length; at++) body += String.fromCharCode(<i32>parseInt(bytes[at].trim()))
  return answer('C' + body)
}

function fetched(place: string, path: string): Result<Response, string> {
  const parts = place.split(':')
  const request = new OutgoingRequest(new Fields())
  request.setScheme(Scheme.http())
  request.setAuthority('127.0.0.1:' + parts[0])
  request.setPathWithQuery('/' + parts[1] + path)
  const sent = send(request, null)
  if (sent.isErr) return answer('H error ' + sent.error.tag.toString())
  const future = sent.value
  const ready = future.subscribe()
  ready.block()
  ready.drop()
  const got = future.get()
  if (got === null) return answer('H nothing')
  const response = got.value
  if (response.isErr) return answer('H error ' + response.error.tag.toString())
  const status = response.value.status()
  const body = response.value.consume().value
  const input = body.stream().value
  let text = ''
  for (;;) {
    const piece = input.blockingRead(4096)
    if (piece.isErr) {
      if (piece.error.tag == StreamErrorTag.lastOperationFailed) piece.error.asLastOperationFailed.drop()
      break
    }
    text += String.UTF8.decode(piece.value.buffer)
  }
  input.drop()
  IncomingBody.finish(body).drop()
  response.value.drop()
  future.drop()
  return answer('H' + (status == 200 ? '' : ' ' + status.toString() + ' ') + text)
}

function answer(text: string): Result<Response, string> {
  return ok<Response, string>(new Response(200, [], Uint8Array.wrap(String.UTF8.encode(text))))
}
`

/** @returns the component's file */
export async function ring(stage: Stage): Promise<string> {
  const folder = join(stage.folder, 'ring')
  await mkdir(join(folder, 'assembly'), { recursive: true })
  await mkdir(join(folder, 'wit'))
  await writeFile(join(folder, 'wit/world.wit'), wit)
  await writeFile(join(folder, 'selvedge.toml'), manifest)
  await writeFile(join(folder, 'asconfig.json'), options)
  await writeFile(join(folder, 'assembly/index.ts'), index)
  await writeFile(join(folder, 'assembly/handler.ts'), handler)
  await stage.mustRun(['build', folder])
  return join(folder, 'build/ring.wasm')
}
