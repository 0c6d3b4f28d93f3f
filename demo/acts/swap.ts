/** Act 3: the rule is turned around while events keep flowing. */
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { app } from '../observer.ts'
import { seconds, type Play } from '../play.ts'
import { coverGarage, publishAndWait } from './publish.ts'

export async function swap(play: Play, signal: AbortSignal): Promise<void> {
  const folder = await nextVersion(play, '2.0.0', 'value > threshold', signal)
  play.rules.set('2.0.0', (value, threshold) => value > threshold)
  const publishedAt = Date.now()
  const tookMs = await publishAndWait(play, folder, '2.0.0', signal)
  await coverGarage(play, false)
  await play.until('both lobby LEDs follow the new rule', () =>
    ['lobby-1', 'lobby-2'].every((name) => {
      const events = play.node(name).ledger.of('2.0.0')
      return events.some((event) => event.led) && events.some((event) => !event.led)
    }),
  )
  play.checkLedgers()

  let moved = 0
  for (const node of play.nodes) {
    const local = (await node.daemon.client.apps()).find((candidate) => candidate.app === app)
    moved += local?.fetchedBytes ?? 0
    const events = node.ledger.events.length
    play.screen.say(
      `  ${node.name.padEnd(9)} ${events} events, none lost, none twice; longest gap around the swap ${node.ledger.longestGapMs(publishedAt)} ms`,
    )
  }
  play.screen.say(`  2.0.0 moved ${(moved / 1_024).toFixed(1)} KB between the nodes in ${seconds(tookMs)}`)
  play.summary.push(
    `live swap on 3 nodes in ${seconds(tookMs)}, ${(moved / 1_024).toFixed(1)} KB moved, no event lost or handled twice`,
  )
}

/** Copies light-alarm, changes the one line of its rule, gives it a version, and builds it. */
export async function nextVersion(
  play: Play,
  version: string,
  rule: string,
  signal: AbortSignal,
): Promise<string> {
  const folder = join(play.stage.folder, `${app}-${version}`)
  await cp(join(play.root, 'components', app), folder, { recursive: true })
  await edit(join(folder, 'assembly/rule.ts'), 'value < threshold', rule)
  await edit(join(folder, 'selvedge.toml'), '1.0.0', version)
  const startedAt = Date.now()
  await play.stage.mustRun(['build', folder], signal)
  play.screen.say(`  ${version}: the rule is now \`${rule}\`, built in ${seconds(Date.now() - startedAt)}`)
  return folder
}

async function edit(file: string, from: string, to: string): Promise<void> {
  const text = await readFile(file, 'utf8')
  if (!text.includes(from)) throw new Error(`${file} does not contain ${JSON.stringify(from)}`)
  await writeFile(file, text.replace(from, to))
}
