/** HTTP to an app of a real node: published, asked, swapped, gone. */
import { writeFile } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import { describe, expect, it } from 'vitest'
import { guest } from '../guests/index.ts'
import { freePort, share, start, until } from './harness.ts'
import { mustType, type } from './typed.ts'

const scene = share(async (stage) => {
  const port = await freePort()
  const node = await start(stage, { name: 'lobby-1', config: `[http]\nlisten = "127.0.0.1:${port}"\n` })
  return { stage, port, node }
})

describe('an app with an http trigger', () => {
  it('is asked at its own path, through a swap, and by nobody without the trigger', async () => {
    const { stage, port, node } = scene()
    const file = joinPath(node.data, 'hello.wasm')
    await writeFile(file, await guest('hello-http'))
    const url = `http://127.0.0.1:${port}/hello/`
    expect((await fetch(url)).status).toBe(404)

    const publish = (...args: string[]): Promise<string> =>
      mustType(stage, ['publish', file, '--data', node.data, '--wait', ...args])
    await publish('--trigger', 'http')
    await until('the app answers', async () => (await fetch(url)).status === 200)
    const answer = await fetch(url)
    expect([answer.headers.get('content-type'), await answer.text()]).toEqual([
      'text/plain',
      'hello, world\n',
    ])

    let failed = 0
    const swap = { isOver: false }
    const client = async (): Promise<void> => {
      while (!swap.isOver) if ((await fetch(url)).status !== 200) failed += 1
    }
    const clients = [client(), client()]
    await publish('--trigger', 'http', '--version', '2.0.0')
    swap.isOver = true
    await Promise.all(clients)
    expect(failed).toBe(0)

    await publish('--version', '3.0.0')
    await until('nobody answers', async () => (await fetch(url)).status === 404)
  })

  it('is refused where its component answers no requests', async () => {
    const { stage, node } = scene()
    const file = joinPath(node.data, 'echo.wasm')
    await writeFile(file, await guest('wasi'))
    const { code, stderr } = await type(stage, ['publish', file, '--data', node.data, '--trigger', 'http'])
    expect(code).toBe(1)
    expect(stderr).toContain('ERR_TRIGGER_HANDLER')
    expect(stderr).toContain('wasi:http/incoming-handler')
  })
})
