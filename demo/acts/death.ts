/** Act 4: a node is killed, comes back alone, and catches up. */
import type { Play } from '../play.ts'
import { garageNode } from './bring-up.ts'
import { publishAndWait } from './publish.ts'
import { nextVersion } from './swap.ts'

export async function death(play: Play, signal: AbortSignal): Promise<void> {
  const garage = play.node('garage-1')
  const folder = await nextVersion(play, '2.1.0', 'value >= threshold', signal)

  await garage.poll()
  garage.daemon.kill('SIGKILL')
  garage.condition = 'dead'
  const noticed = await play.until(
    'lobby-1 calls garage-1 dead',
    async () => (await verdict(play)) === 'dead',
  )
  play.measured('SIGKILL to `dead` in the lobby', noticed, 10_000)
  const lobby = play.node('lobby-1').daemon.data
  const picture = await play.stage.mustRun(['status', '--data', lobby], signal)
  for (const line of picture.trimEnd().split('\n')) play.screen.print(line)
  await garage.daemon.exited

  play.rules.set('2.1.0', (value, threshold) => value >= threshold)
  await publishAndWait(play, folder, '2.1.0', signal)

  const config = garageNode(play.thresholds.get('garage-1') ?? 0)
  const startedAt = Date.now()
  garage.replace(await play.stage.up({ name: 'garage-1', group: 'garage', config, offline: true }, signal))
  garage.condition = 'offline'
  const before = garage.ledger.of('2.0.0').length
  await play.until('garage-1 runs 2.0.0 from its own disk', () => garage.ledger.of('2.0.0').length > before)
  play.measured('start without any peer to first handled event', Date.now() - startedAt, 10_000)
  if ((await verdict(play)) !== 'dead') throw new Error('the lobby saw garage-1 although it has no network')

  const connectedAt = Date.now()
  await play.stage.mustRun(['network', 'on', '--data', garage.daemon.data], signal)
  garage.condition = 'alive'
  await play.until('lobby-1 calls garage-1 alive again', async () => (await verdict(play)) === 'alive')
  play.measured('network back to `alive` in the lobby', Date.now() - connectedAt, 10_000)
  await play.until('garage-1 catches up with 2.1.0', () => garage.ledger.of('2.1.0').length > 0)
  play.measured('network back to 2.1.0 handling events', Date.now() - connectedAt, 15_000)
  play.checkLedgers()
  play.summary.push(
    'a killed node was called dead, ran on alone from its disk, came back and caught up by itself',
  )
}

/** What lobby-1 says of the garage node. */
async function verdict(play: Play): Promise<string | undefined> {
  const status = await play.node('lobby-1').daemon.client.status()
  return status.nodes.find((node) => node.name === 'garage-1')?.state
}
