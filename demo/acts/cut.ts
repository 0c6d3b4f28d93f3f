/** Act 5: the garage's line is cut. Both sides live on, each sees itself rightly, and they find each other again. */
import { Lines } from '../lines.ts'
import type { Observer } from '../observer.ts'
import type { Play } from '../play.ts'

export async function cut(play: Play, signal: AbortSignal): Promise<void> {
  if (Lines.obstacle !== null) {
    play.screen.say(`  left out: ${Lines.obstacle}`)
    return
  }
  const { lines } = play.stage
  const garage = play.node('garage-1')
  const lobby = ['lobby-1', 'lobby-2'].map((name) => play.node(name))
  const cutAt = Date.now()
  lines.cutOff(['garage-1'], (name) => play.node(name).daemon.pid)
  garage.condition = 'isolated'
  await play.until('garage-1 knows that it is isolated', () => sees(garage, 'garage-1', 'isolated'))
  play.measured('cut to `isolated` in the garage', Date.now() - cutAt, 10_000)
  await play.until('both of the lobby call garage-1 dead', async () => {
    const views = await Promise.all(lobby.map((node) => sees(node, 'garage-1', 'dead')))
    return views.every(Boolean)
  })
  play.measured('cut to `dead` in the lobby', Date.now() - cutAt, 15_000)
  for (const { daemon, name } of [lobby[0] as Observer, garage]) {
    play.screen.say(`  seen from ${name}:`)
    const picture = await play.stage.mustRun(['status', '--data', daemon.data], signal)
    for (const line of picture.trimEnd().split('\n')) play.screen.print(`  ${line}`)
  }
  if (await anyDead(garage)) throw new Error('the garage, which is cut off, called somebody dead')

  const before = new Map(play.nodes.map((node) => [node, node.ledger.events.length]))
  await play.until('events are handled on both sides of the cut', () =>
    play.nodes.every((node) => node.ledger.events.length > (before.get(node) ?? 0)),
  )
  const healedAt = Date.now()
  lines.heal()
  garage.condition = 'alive'
  await play.until('every node sees three members alive', async () => {
    const views = await Promise.all(play.nodes.map((node) => node.daemon.client.status()))
    return views.every(({ nodes }) => nodes.every(({ state }) => state === 'alive'))
  })
  const healMs = Date.now() - healedAt
  play.measured('line back to all alive on every node', healMs, 10_000)
  play.checkLedgers()
  play.summary.push('a site whose line was cut ran on, knew that it was cut off, and changed nobody’s state')
}

async function sees(at: Observer, about: string, verdict: string): Promise<boolean> {
  const { nodes } = await at.daemon.client.status()
  return nodes.some(({ name, state }) => name === about && state === verdict)
}

async function anyDead(at: Observer): Promise<boolean> {
  const { nodes } = await at.daemon.client.status()
  return nodes.some(({ state }) => state === 'dead')
}
