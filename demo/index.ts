/**
 * `npm run demo`: three daemons, one app, six acts. Every number printed is measured in this run; anything
 * lost, out of order or too late ends it with exit code 1 and the name of the act.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { badInput } from './acts/bad-input.ts'
import { bringUp } from './acts/bring-up.ts'
import { cut } from './acts/cut.ts'
import { death } from './acts/death.ts'
import { publishFirst } from './acts/publish.ts'
import { swap } from './acts/swap.ts'
import { patienceMs, Play } from './play.ts'
import { Screen } from './screen.ts'
import { Stage } from './stage.ts'

interface Act {
  readonly title: string
  run(play: Play, signal: AbortSignal): Promise<void>
}

const acts: readonly Act[] = [
  { title: 'three daemons become a mesh', run: bringUp },
  { title: 'light-alarm 1.0.0 lights the LED in the dark', run: publishFirst },
  { title: '2.0.0 turns the rule around, live', run: swap },
  { title: 'the garage is killed, wakes alone, catches up', run: death },
  { title: 'the line to the garage is cut, and comes back', run: cut },
  { title: 'four bad things', run: badInput },
]

/** An act is several waits of at most `patienceMs`; this bounds their sum. */
const actDeadlineMs = 2 * patienceMs
const frameMs = 120

export async function main({ root }: { root: string; args: string[] }): Promise<void> {
  const startedAt = Date.now()
  buildEverything(root)
  const stage = await Stage.open(root)
  const screen = new Screen(process.stdout, process.env)
  const play = new Play(root, stage, screen)
  const stop = new AbortController()
  const interrupt = (): void => stop.abort(new Error('interrupted'))
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)

  const frames = drawFrames(play, stop.signal)
  try {
    for (const [index, act] of acts.entries()) await perform(play, index + 1, act, stop.signal)
    screen.say('')
    for (const line of play.summary) screen.say(`  ${line}`)
    screen.say(`demo ok in ${((Date.now() - startedAt) / 1_000).toFixed(1)} s`)
  } catch (error) {
    process.exitCode = 1
    screen.say(`${play.title} FAILED: ${(error as Error).message}`)
    // Whoever pressed Ctrl-C knows why.
    for (const { daemon, name } of stop.signal.aborted ? [] : play.nodes) {
      screen.say(`  last lines of ${name}:`)
      for (const line of daemon.output.slice(-8)) screen.say(`    ${line}`)
    }
  } finally {
    stop.abort(new Error('the demo is over'))
    await frames
    await stage.close()
    screen.close()
  }
}

async function perform(play: Play, number: number, act: Act, stopped: AbortSignal): Promise<void> {
  const startedAt = Date.now()
  play.screen.say('')
  play.screen.say(`act ${number}: ${act.title}`)
  play.title = `act ${number} of ${acts.length} · ${act.title}`
  const deadline = AbortSignal.timeout(actDeadlineMs)
  const signal = AbortSignal.any([deadline, stopped])
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
  aborted.catch(() => {})
  await Promise.race([act.run(play, signal), aborted])
  play.screen.say(`act ${number} ok ${((Date.now() - startedAt) / 1_000).toFixed(1)}`)
}

async function drawFrames(play: Play, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await play.frame()
    await new Promise((resolve) => setTimeout(resolve, frameMs))
  }
}

/** The bundle and the component; both builds skip what is up to date. */
function buildEverything(root: string): void {
  for (const script of ['ensure-bundle.mjs', 'build-components.mjs']) {
    const result = spawnSync(process.execPath, [join(root, 'scripts', script)], {
      cwd: root,
      stdio: ['ignore', 2, 2],
    })
    if (result.status !== 0) throw new Error(`scripts/${script} failed`)
  }
}
