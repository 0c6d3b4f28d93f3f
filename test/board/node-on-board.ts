/** The node on the board, as somebody at its console has it: set up, started, stopped, looked at. */
import { boardChip, type Board, type BoardPin } from './board.ts'

export type PinDriverName = 'onoff' | 'sysfs' | 'gpiochip'

export interface Wiring {
  readonly light: BoardPin
  readonly led: BoardPin
}

const stopMs = 120_000

/** A photoresistor behind a comparator on one line, and a LED on another: 1 is light. */
export function nodeToml({ light, led }: Wiring, driver: PinDriverName): string {
  return `[sensors.light]
driver = "pin"
via = "${driver}"
chip = "${boardChip}"
line = ${light.line}

[pins.led]
driver = "${driver}"
chip = "${boardChip}"
line = ${led.line}
initial = false

[apps.light-alarm.config]
threshold = "0.5"
`
}

/** Writes the node's TOML, from which on the board starts the node whenever it is switched on. */
export async function setUpNode({ console }: Board, toml: string): Promise<void> {
  await console.mustRun(`cat >/data/node.toml <<'END'\n${toml}END\nsync`)
}

export async function startNode(
  { console }: Board,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const set = Object.entries(env).map(([name, value]) => `${name}='${value}'`)
  await console.mustRun([...set, 'start-node'].join(' '))
}

export async function runsOn({ console }: Board): Promise<boolean> {
  return (await console.run('kill -0 $(cat /run/node.pid)')).status === 0
}

/** Ends it in good order. */
export async function stopNode({ console }: Board): Promise<void> {
  const gone = 'while kill -0 $(cat /run/node.pid) 2>/dev/null; do usleep 50000; done'
  await console.mustRun(`kill $(cat /run/node.pid); ${gone}`, stopMs)
}

/** What a person does before another driver takes a line: an output of sysfs stays one when the node ends. */
export async function giveLinesBack({ console }: Board): Promise<void> {
  const folder = '/sys/class/gpio'
  const each = `[ -d $line ] && echo "$(basename $line | tr -d gpio)" >${folder}/unexport`
  await console.mustRun(`for line in ${folder}/gpio[0-9]*; do ${each}; done; true`)
}

/** What all processes of Node.js on the board have to themselves, with their share of what they share. @returns bytes */
export async function memoryOfNode({
  console,
}: Board): Promise<{ readonly bytes: number; readonly processes: number }> {
  const sum = `for p in /proc/[0-9]*; do case "$(ls -l $p/exe 2>/dev/null)" in */node) awk '/^Pss:/{print $2}' $p/smaps_rollup;; esac; done`
  const lines = (await console.mustRun(sum)).split('\n').filter(Boolean).map(Number)
  return { bytes: lines.reduce((total, kib) => total + kib * 1_024, 0), processes: lines.length }
}
