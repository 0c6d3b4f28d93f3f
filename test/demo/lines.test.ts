import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { Lines } from '../../demo/lines.ts'

const closers: (() => void)[] = []

afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** A node that answers each chunk with the same, behind its line; all nodes are this very process. */
async function echo(lines: Lines, name: string): Promise<number> {
  const { listen, announce } = await lines.line(name)
  const server: Server = createServer((socket) => socket.pipe(socket).on('error', () => {}))
  server.listen(portOf(listen), '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => server.close())
  return portOf(announce)
}

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  closers.push(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

async function answer(socket: Socket, text: string): Promise<string> {
  socket.write(text)
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  return chunk.toString()
}

function portOf(address: string): number {
  return Number(address.split('/').at(-1))
}

function openLines(): Lines {
  const lines = new Lines()
  closers.push(() => lines.close())
  return lines
}

describe('the lines of the demo', () => {
  it('carry what is said to a node, under the same addresses each time', async () => {
    const lines = openLines()
    const port = await echo(lines, 'lobby')
    expect(await answer(await dial(port), 'hello')).toBe('hello')
    expect(portOf((await lines.line('lobby')).announce)).toBe(port)
  })

  it.skipIf(Lines.obstacle !== null)(
    'fall silent between a site and the rest, and hand over what was said when they are back',
    async () => {
      const lines = openLines()
      const [garage, lobby] = [await echo(lines, 'garage'), await echo(lines, 'lobby')]
      // The dialling process is the lobby's.
      const pidOf = (name: string): number => (name === 'lobby' ? process.pid : 0)
      const [across, within] = [await dial(garage), await dial(lobby)]
      expect(await answer(across, 'before')).toBe('before')
      lines.cutOff(['garage'], pidOf)
      const heard: string[] = []
      across.on('data', (chunk: Buffer) => heard.push(chunk.toString()))
      across.write('during')
      expect(await answer(within, 'inside')).toBe('inside')
      const late = await dial(garage)
      late.write('new')
      expect(await answer(within, 'again')).toBe('again')
      expect(heard).toEqual([])
      expect([across.readyState, late.readyState]).toEqual(['open', 'open'])
      const through = Promise.all([once(across, 'data'), once(late, 'data')])
      lines.heal()
      await through
      expect(heard.join('')).toBe('during')
    },
  )

  it('end at one end when they end at the other', async () => {
    const lines = openLines()
    const { announce } = await lines.line('gone')
    // Nobody listens behind it.
    const socket = await dial(portOf(announce))
    await once(socket, 'close')
    expect(socket.destroyed).toBe(true)
  })
})
