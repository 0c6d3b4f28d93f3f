/** `selvedge serve` with the built program: one component behind HTTP, and what is refused. */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { guest, type GuestName } from '../guests/index.ts'
import { finish, firstOutput, program, start, testFolder } from './programs.ts'
import { type } from './typed.ts'

const ownComponent = fileURLToPath(
  new URL('../../components/hello-http/build/hello-http.wasm', import.meta.url),
)

async function serve(name: GuestName, ...options: string[]) {
  const folder = await testFolder()
  await writeFile(join(folder, `${name}.wasm`), await guest(name))
  const child = start(folder, ['serve', '--addr', '127.0.0.1:0', ...options, `${name}.wasm`])
  const url = /^serving \S+ at (http:\/\/\S+\/)\n$/.exec(await firstOutput(child))?.[1] ?? ''
  return { child, url }
}

test('a component answers every path, many clients at once, until Ctrl-C', async () => {
  const { child, url } = await serve('hello-http', '--instances', '2')
  const answers = await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      const response = await fetch(new URL(`deep/${index}?q=1`, url))
      return [response.status, await response.text()]
    }),
  )
  expect(new Set(answers.map(String))).toEqual(new Set(['200,hello, world\n']))
  child.kill('SIGINT')
  expect(await finish(child)).toMatchObject({ status: 0, stderr: '' })
})

test('our own example sends back a body that is larger than all of its memory', async () => {
  const folder = await testFolder()
  const child = start(folder, ['serve', '--addr', '127.0.0.1:0', '--memory', '1MiB', ownComponent])
  const url = /(http:\S+\/)\n$/.exec(await firstOutput(child))?.[1] ?? ''
  const sent = randomBytes(5_000_000)
  const response = await fetch(new URL('echo', url), { method: 'POST', body: sent })
  expect(Buffer.compare(Buffer.from(await response.arrayBuffer()), sent)).toBe(0)
  child.kill('SIGINT')
  expect(await finish(child)).toMatchObject({ status: 0, stderr: '' })
})

test('--json says where it listens', async () => {
  const folder = await testFolder()
  await writeFile(join(folder, 'hello.wasm'), await guest('hello-http'))
  const child = start(folder, ['serve', '--json', '--addr', '127.0.0.1:0', 'hello.wasm'])
  const { schema, url } = JSON.parse(await firstOutput(child)) as { schema: string; url: string }
  expect(schema).toBe('selvedge.serve/1')
  expect((await fetch(url)).status).toBe(200)
})

test('--listen is --addr: a free port is chosen, and the one line on stdout names it', async () => {
  const folder = await testFolder()
  await writeFile(join(folder, 'hello.wasm'), await guest('hello-http'))
  const child = start(folder, ['serve', '--listen', '127.0.0.1:0', 'hello.wasm'])
  const said = await firstOutput(child)
  const [, url = '', port = '0'] =
    /^serving hello\.wasm at (http:\/\/127\.0\.0\.1:(\d+)\/)\n$/.exec(said) ?? []
  expect(Number(port)).toBeGreaterThan(0)
  expect((await fetch(url)).status).toBe(200)
  child.kill('SIGINT')
  const { status, stdout, stderr } = await finish(child)
  expect({ status, more: String(stdout), stderr }).toEqual({ status: 0, more: '', stderr: '' })
})

test('--addr with --listen is a misunderstanding', async () => {
  const both = ['serve', '--addr', '127.0.0.1:0', '--listen', '127.0.0.1:0', 'hello.wasm']
  expect((await finish(start(await testFolder(), both))).status).toBe(2)
})

test('a file that answers no requests is refused with what it exports', async () => {
  const folder = await testFolder()
  const { status, stderr } = await finish(start(folder, ['serve', await program(folder, 'status')]))
  expect(status).toBe(1)
  expect(stderr).toContain('error[ERR_NOT_A_SERVER]')
  expect(stderr).toContain('selvedge run status.wasm')
})

test('an address that is taken is named', async () => {
  const server = createServer()
  onTestFinished(() => void server.close())
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  const folder = await testFolder()
  await writeFile(join(folder, 'hello.wasm'), await guest('hello-http'))
  const { status, stderr } = await finish(
    start(folder, ['serve', '--addr', `127.0.0.1:${port}`, 'hello.wasm']),
  )
  expect(status).toBe(1)
  expect(stderr).toContain(`127.0.0.1:${port}`)
})

test.each([
  ['--addr', '8080'],
  ['--addr', 'host:99999'],
  ['--instances', 'many'],
  ['--adr', 'x'],
])('a command line with %s %s ends with status 2', async (...options) => {
  const folder = await testFolder()
  expect((await type({ folder, keys: folder }, ['serve', ...options, 'hello.wasm'])).code).toBe(2)
})
