/** The built program on the question why: a process that is killed, one that stands still, and one that leaves. */
import { describe, expect, it } from 'vitest'
import { join, openStage, start, until, verdictOf, type Daemon, type Stage } from './harness.ts'

async function mesh(stage: Stage): Promise<[Daemon, Daemon, Daemon]> {
  const lobby1 = await start(stage, { name: 'lobby-1' })
  const lobby2 = await join(stage, lobby1, { name: 'lobby-2' })
  const garage = await join(stage, lobby1, { name: 'garage-1', group: 'garage' })
  const daemons = [lobby1, lobby2, garage]
  await until('everybody sees everybody alive', async () => {
    const views = await Promise.all(daemons.map((daemon) => daemon.client.status()))
    return views.every(({ nodes }) => nodes.length === 3 && nodes.every(({ state }) => state === 'alive'))
  })
  return [lobby1, lobby2, garage]
}

const why = (stage: Stage, daemon: Daemon, name: string) => stage.run(['why', name, '--data', daemon.data])
const status = (stage: Stage, daemon: Daemon) => stage.mustRun(['status', '--data', daemon.data])

describe('why', () => {
  it('of a killed process: it is dead, as each that watches it says; and how it came back', async () => {
    const stage = await openStage()
    const [lobby1, lobby2, garage] = await mesh(stage)
    expect(await why(stage, lobby1, 'garage-1')).toMatchObject({ code: 0 })
    garage.kill('SIGKILL')
    for (const daemon of [lobby1, lobby2]) {
      await until('it is dead', async () => (await verdictOf(daemon, 'garage-1')) === 'dead')
      expect(await status(stage, daemon)).toMatch(/1 of 2 sites fine; garage is dead since/)
      const { code, stdout } = await why(stage, daemon, 'garage-1')
      expect(stdout).toMatch(
        /^garage-1 is dead since \S+: (its host refuses|nobody can connect|its connections closed)/,
      )
      expect(stdout).toMatch(/lobby-1 .*\bago/)
      expect(stdout).toMatch(/lobby-2 .*\bago/)
      expect(stdout).toMatch(/\nnext\n {2}→ \S/)
      expect(code).toBe(1)
    }
    const other = (await lobby1.client.whyNode((await idOf(lobby1, 'garage-1')) ?? '')).votes.map(
      ({ name }) => name,
    )
    expect(new Set(other)).toEqual(new Set(['lobby-1', 'lobby-2']))

    await start(stage, { name: 'garage-1', group: 'garage' })
    await until('it is back', async () => (await verdictOf(lobby1, 'garage-1')) === 'alive')
    // Lines are broken to the width; and where its first word comes before its first connection, it is suspect in between.
    const told = /(dead|suspect) → alive after .*, as boot 2: it was started again/
    let text = ''
    await until('it is told that it was started again', async () => {
      text = (await why(stage, lobby1, 'garage-1')).stdout.replaceAll(/\s+/g, ' ')
      return told.test(text)
    }).catch(() => {})
    expect(text).toMatch(told)
  })

  it('of a process that stands still: nobody gets an answer; later it says itself what it did', async () => {
    const stage = await openStage()
    const [lobby1, , garage] = await mesh(stage)
    garage.kill('SIGSTOP')
    await until('it is dead', async () => (await verdictOf(lobby1, 'garage-1')) === 'dead')
    const { stdout, code } = await why(stage, lobby1, 'garage-1')
    // Which of the two knocked before the vote was cast, and which went by its silence alone, is a matter of moments.
    const silent = /its host takes connections|(gets?|got) no answer/
    expect(stdout).toMatch(/^garage-1 is dead since \S+: /)
    expect(stdout).toMatch(silent)
    expect(stdout).toMatch(/lobby-2/)
    expect(code).toBe(1)
    // Long enough that it is no hiccup, however soon the others were sure.
    await new Promise((wake) => setTimeout(wake, 3_000))
    garage.kill('SIGCONT')
    await until('it lives', async () => (await verdictOf(lobby1, 'garage-1')) === 'alive')
    await until('it says that it stood still', async () => {
      const back = await why(stage, lobby1, 'garage-1')
      return /it says that it stood still for/.test(back.stdout) && /in the same boot/.test(back.stdout)
    })
  })

  it('of a node that was stopped: it said goodbye; that is no trouble of anybody', async () => {
    const stage = await openStage()
    const [lobby1, lobby2, garage] = await mesh(stage)
    garage.kill('SIGTERM')
    await garage.exited
    for (const daemon of [lobby1, lobby2]) {
      await until('it has left', async () => (await verdictOf(daemon, 'garage-1')) === 'left')
      const { stdout, code } = await why(stage, daemon, 'garage-1')
      expect(stdout).toMatch(/^garage-1 has been gone since \S+: it said goodbye/)
      expect(code).toBe(0)
      expect(await status(stage, daemon)).toMatch(/all 2 nodes fine \(1 left\)/)
    }
  })
})

async function idOf(daemon: Daemon, name: string): Promise<string | undefined> {
  return (await daemon.client.status()).nodes.find((node) => node.name === name)?.id
}
