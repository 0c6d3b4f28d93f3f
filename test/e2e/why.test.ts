/** The built program on the question why: a process that is killed, one that stands still, and one that leaves. */
import { describe, expect, it } from 'vitest'
import type { CommandResult } from '../../demo/stage.ts'
import { isOver, join, share, start, until, verdictOf, type Daemon, type Stage } from './harness.ts'
import { type } from './typed.ts'

interface Scene {
  readonly stage: Stage
  readonly lobby1: Daemon
  readonly lobby2: Daemon
  /** The one that all of this happens to. */
  garage: Daemon
}

const scene = share<Scene>(async (stage) => {
  const lobby1 = await start(stage, { name: 'lobby-1' })
  const [lobby2, garage] = await Promise.all([
    join(stage, lobby1, { name: 'lobby-2' }),
    join(stage, lobby1, { name: 'garage-1', group: 'garage' }),
  ])
  return { stage, lobby1, lobby2, garage }
})

/** The three, all alive, and each known to the others by a word of its own. */
async function mesh(): Promise<[Daemon, Daemon, Daemon]> {
  if (await isOver(scene().garage)) await again()
  const { lobby1, lobby2, garage } = scene()
  const daemons = [lobby1, lobby2, garage]
  await until('everybody sees everybody alive', async () => {
    const views = await Promise.all(daemons.map((daemon) => daemon.client.status()))
    return views.every(({ nodes }) => nodes.length === 3 && nodes.every(({ state }) => state === 'alive'))
  })
  for (const daemon of [lobby1, lobby2]) {
    await until('the garage was heard', async () => (await bootOf(daemon, 'garage-1')) !== null)
  }
  return [lobby1, lobby2, garage]
}

async function again(): Promise<Daemon> {
  scene().garage = await start(scene().stage, { name: 'garage-1', group: 'garage' })
  return scene().garage
}

const idOf = async (daemon: Daemon, name: string): Promise<string> =>
  (await daemon.client.status()).nodes.find((node) => node.name === name)?.id ?? ''

/** The boot as which a node spoke last. */
const bootOf = async (daemon: Daemon, name: string): Promise<number | null> =>
  (await daemon.client.whyNode(await idOf(daemon, name))).word?.boot ?? null

/** Who voted on the death of the garage, as far as `daemon` has heard. */
const votersAt = async (daemon: Daemon): Promise<(string | null)[]> =>
  (await daemon.client.whyNode(await idOf(daemon, 'garage-1'))).votes.map(({ name }) => name).sort()

const why = (daemon: Daemon, name: string) => scene().stage.run(['why', name, '--data', daemon.data])
const status = (daemon: Daemon) => scene().stage.mustRun(['status', '--data', daemon.data])

/** The answer, asked for often, as one line: where it is broken depends on the figures in it. */
async function whyInOneLine(daemon: Daemon, name: string): Promise<string> {
  const { stdout }: CommandResult = await type(scene().stage, ['why', name, '--data', daemon.data])
  return stdout.replace(/\s+/g, ' ')
}

describe('why', () => {
  it('of a killed process: it is dead, as each that watches it says; and how it came back', async () => {
    const [lobby1, lobby2, garage] = await mesh()
    const boot = (await bootOf(lobby1, 'garage-1')) ?? 0
    expect(await why(lobby1, 'garage-1')).toMatchObject({ code: 0 })
    garage.kill('SIGKILL')
    for (const daemon of [lobby1, lobby2]) {
      await until('it is dead', async () => (await verdictOf(daemon, 'garage-1')) === 'dead')
      expect(await status(daemon)).toMatch(/1 of 2 sites fine; garage is dead since/)
      await until('each has said what it saw', async () => (await votersAt(daemon)).length === 2)
      const { code, stdout } = await why(daemon, 'garage-1')
      expect(stdout).toMatch(
        /^garage-1 is dead since \S+: (its host refuses|nobody can connect|its connections closed)/,
      )
      expect(stdout).toMatch(/lobby-1 .*\bago/)
      expect(stdout).toMatch(/lobby-2 .*\bago/)
      expect(stdout).toMatch(/\nnext\n {2}→ \S/)
      expect(code).toBe(1)
    }
    expect(await votersAt(lobby1)).toEqual(['lobby-1', 'lobby-2'])

    await again()
    await until('it is back', async () => (await verdictOf(lobby1, 'garage-1')) === 'alive')
    // Its word may have come by the other node before its connection: then it was doubted for a moment in between.
    const cameBack = new RegExp(`→ alive after [^→]*, as boot ${boot + 1}: it was started again`)
    let text = ''
    await until('it is told that it was started again', async () => {
      text = await whyInOneLine(lobby1, 'garage-1')
      return cameBack.test(text)
    }).catch(() => {})
    expect(text).toMatch(cameBack)
  })

  it('of a process that stands still: nobody gets an answer; later it says itself what it did', async () => {
    const [lobby1, , garage] = await mesh()
    garage.kill('SIGSTOP')
    try {
      await until('it is dead', async () => (await verdictOf(lobby1, 'garage-1')) === 'dead')
      const { stdout, code } = await why(lobby1, 'garage-1')
      // Which of the two knocked before the vote was cast, and which went by its silence alone, is a matter of moments.
      const silent = /its host takes connections|(gets?|got) no answer/
      expect(stdout).toMatch(/^garage-1 is dead since \S+: /)
      expect(stdout).toMatch(silent)
      expect(stdout).toMatch(/lobby-2/)
      expect(code).toBe(1)
      // Long enough that it is no hiccup, however soon the others were sure.
      await new Promise((wake) => setTimeout(wake, 3_000))
    } finally {
      garage.kill('SIGCONT')
    }
    await until('it lives', async () => (await verdictOf(lobby1, 'garage-1')) === 'alive')
    await until('it says that it stood still', async () => {
      const said = await whyInOneLine(lobby1, 'garage-1')
      return /it says that it stood still for/.test(said) && /in the same boot/.test(said)
    })
  })

  it('of a node that was stopped: it said goodbye; that is no trouble of anybody', async () => {
    const [lobby1, lobby2, garage] = await mesh()
    garage.kill('SIGTERM')
    await garage.exited
    for (const daemon of [lobby1, lobby2]) {
      await until('it has left', async () => (await verdictOf(daemon, 'garage-1')) === 'left')
      const { stdout, code } = await why(daemon, 'garage-1')
      expect(stdout).toMatch(/^garage-1 has been gone since \S+: it said goodbye/)
      expect(code).toBe(0)
      expect(await status(daemon)).toMatch(/all 2 nodes fine \(1 left\)/)
    }
  })
})
