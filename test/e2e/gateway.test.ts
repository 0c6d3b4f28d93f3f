/** Processes: three gateways, and a node that says that nobody can dial it. */
import { expect, it } from 'vitest'
import {
  join,
  lightAndLed,
  openStage,
  publishApp,
  runningVersion,
  start,
  until,
  type Daemon,
} from './harness.ts'

const gateway = `${lightAndLed}\n[mesh]\ngateway = true\n`
const hidden = `${lightAndLed}\n[mesh]\nreachable = "no"\n`

/** Names of the gateways on the way from `daemon` to the node called `name`. */
async function via(daemon: Daemon, name: string): Promise<string[]> {
  const { nodes } = await daemon.client.status()
  const ids = nodes.find((node) => node.name === name)?.via ?? []
  return ids.map((id) => nodes.find((node) => node.id === id)?.name ?? id).sort()
}

it('nodes that nobody can dial keep gateways, replace one that dies, and get what is published', async () => {
  const stage = await openStage()
  const first = await start(stage, { name: 'gate-1', config: gateway })
  const second = await join(stage, first, { name: 'gate-2', config: gateway })
  const third = await join(stage, first, { name: 'gate-3', config: gateway })
  const node = await join(stage, first, { name: 'hidden-1', config: hidden })
  await until('it has two gateways', async () => (await via(node, 'hidden-1')).length === 2)
  const gates = [first, second, third]
  const [lost] = await via(node, 'hidden-1')
  const left = gates.filter(({ name }) => name !== lost)
  gates.find(({ name }) => name === lost)?.kill('SIGKILL')
  await until('another has taken the place of the one that died', async () => {
    const names = await via(node, 'hidden-1')
    return names.length === 2 && !names.includes(lost ?? '')
  }).catch(async (error: unknown) => {
    const { nodes, problems } = await node.client.status()
    const told = nodes.map(({ name, state, via: ways }) => ({ name, state, ways }))
    throw new Error(`${lost} died: ${JSON.stringify([told, problems])}\n${node.output.join('\n')}`, {
      cause: error,
    })
  })
  const [publisher] = left
  if (publisher === undefined) throw new Error('no gateway is left')
  await publishApp(stage, publisher)
  await until('it runs what was published', async () => (await runningVersion(node)) !== null)
  const { nodes, problems } = await publisher.client.status()
  expect(nodes.find(({ name }) => name === 'hidden-1')?.state).toBe('alive')
  expect(problems.filter(({ code }) => code === 'ERR_NO_GATEWAY')).toEqual([])
})
