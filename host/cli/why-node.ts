/**
 * Why a node is what it is, in sentences: the verdict first, then who saw what, then what the node said itself, then
 * what an operator can do about it. A report and the time go in, text comes out.
 */
import type { NodeWhy, VerdictStep, Verdict } from '../api/index.ts'
import { verdictText } from './status-overview.ts'
import { ageText, plain } from './text.ts'
import { timeText, type TimeView } from './time-text.ts'
import { causeOf, hearers, namesText, voteLines, type Cause } from './why-votes.ts'

export interface Explanation {
  /** One sentence. */
  readonly summary: string
  readonly votes: readonly string[]
  readonly itself: readonly string[]
  readonly past: readonly string[]
  readonly next: readonly string[]
}

const meanings: Readonly<Record<Cause, string>> = {
  refused: 'its host refuses connections: the process is gone',
  frozen: 'its host takes connections, but it says nothing: it is frozen',
  'no-answer': 'its probes get no answer, as if its host or its line were gone',
  unreachable: 'nobody can connect to it, as if its host or its line were gone',
  closed: 'its connections closed without a word',
}

export function explainNode(why: NodeWhy, view: TimeView): Explanation {
  return {
    summary: summaryOf(why, view),
    votes: voteLines(why),
    itself: itselfLines(why, view),
    past: pastLines(why.history, view),
    next: nextLines(why),
  }
}

/** 0 well or gone on purpose, 3 not decided, 1 all else. */
export function exitCodeOf({ node, isTwofold }: Pick<NodeWhy, 'node' | 'isTwofold'>): number {
  if (isTwofold) return 1
  if (node.state === 'suspect') return 3
  return node.state === 'alive' || node.state === 'left' ? 0 : 1
}

function summaryOf(why: NodeWhy, view: TimeView): string {
  const { node, asked, isTwofold } = why
  const twofold = isTwofold ? '; and two machines use its identity' : ''
  if (node.id === asked.id) return `${ownSummary(why, view)}${twofold}`
  const state = node.state === 'left' ? 'has been gone' : `is ${verdictText(node.state)}`
  const head = `${plain(node.name)} ${state} since ${timeText(node.stateSince, view)}`
  return `${head}: ${reasonOf(why)}${twofold}`
}

function ownSummary({ node, asked }: NodeWhy, view: TimeView): string {
  const since = timeText(node.stateSince, view)
  const peers = `${asked.reached - 1} of ${asked.counted - 1} peers`
  const name = `${plain(node.name)}, this node,`
  if (asked.network === 'off')
    return `${name} is isolated since ${since}: its network is switched off; its apps run on`
  if (node.state === 'isolated')
    return `${name} is isolated since ${since}: it reaches ${peers}; its apps run on, and it changes nobody’s state`
  return `${name} is ${node.state}: it reaches ${peers}`
}

function reasonOf(why: NodeWhy): string {
  const { node, probes, word, asked } = why
  const cause = causeOf(why)
  switch (node.state) {
    case 'left':
      if (word?.farewell === 'network-off')
        return `its network was switched off ${ageText(word.ageMs)} ago, as it said before; its apps go on there`
      return word === null ? 'it was stopped on purpose' : `it said goodbye ${ageText(word.ageMs)} ago`
    case 'cut-off':
      return `${namesText(hearers(why)) || 'others'} still ${hearers(why).length === 1 ? 'hears' : 'hear'} it, so it is cut off from us, not dead`
    case 'dead':
      return cause === null ? plain(node.why) : meanings[cause]
    case 'suspect': {
      if (cause === null) return plain(node.why)
      const two = asked.counted <= 2 && cause !== 'refused'
      const why2 = two ? '; with two nodes nobody can tell a dead host from a cut line' : ''
      return `${meanings[cause]}${why2}`
    }
    default:
      if (probes?.isOneWay === true) return 'its messages come, but our probes get no answer: a one-way line'
      if (node.slow === true) return 'it answers slowly, and says itself that it is slow'
      return probes === null || probes.heardAgoMs === null
        ? plain(node.why)
        : `it was heard ${ageText(probes.heardAgoMs)} ago`
  }
}

function itselfLines({ node, asked, word, record, probes }: NodeWhy, view: TimeView): string[] {
  const name = plain(node.name)
  const isSelf = node.id === asked.id
  const pause = isSelf ? asked.pause : node.pause
  const lines: string[] = []
  if (word?.kind === 'left') {
    const what = word.farewell === 'network-off' ? 'its network is about to be switched off' : 'it leaves'
    lines.push(`it said that ${what}, ${ageText(word.ageMs)} ago`)
  }
  if (record === null) lines.push(`no record of ${name} ever came here`)
  else if (!isSelf) {
    const age = record.ageMs === null ? 'from before this node started' : `heard ${ageText(record.ageMs)} ago`
    const refuted = word !== null && word.boot === record.boot && word.number > 0
    const lives = refuted
      ? `; it has denied its death ${word.number === 1 ? 'once' : `${word.number} times`}`
      : ''
    lines.push(
      `its own record: number ${record.number} of boot ${record.boot}, ${age}, selvedge ${plain(record.version)}${lives}`,
    )
    if (word !== null && word.boot > record.boot)
      lines.push(`it has been started again since: it speaks as boot ${word.boot}`)
  }
  if (pause !== undefined) {
    const did = pause.kind === 'slept' ? 'slept (or its clock was set forward)' : 'stood still'
    lines.push(`it says that it ${did} for ${ageText(pause.ms)}, until ${timeText(pause.endedAt, view)}`)
  }
  const slow = probes?.slow ?? 0
  if (slow > 1) lines.push(`it says that it is slow itself: ${slow} on a scale to 8`)
  return lines
}

const gone: ReadonlySet<Verdict> = new Set(['dead', 'suspect', 'cut-off'])

/** The last changes, and what a return tells: one in the same boot was no restart. */
function pastLines(history: readonly VerdictStep[], view: TimeView): string[] {
  return history.slice(-6).map((step, index, steps) => {
    const head = `${timeText(step.at, view)}  ${step.from} → ${step.to}`
    if (step.to !== 'alive' || !gone.has(step.from)) return `${head}: ${plain(step.why)}`
    const left = steps.slice(0, index).findLast(({ from }) => from === 'alive')
    if (left === undefined || left.boot === null || step.boot === null) return `${head}: ${plain(step.why)}`
    const away = ageText(step.at - left.at)
    return left.boot === step.boot
      ? `${head} after ${away}, in the same boot: it was not restarted; it slept, froze, or was cut off`
      : `${head} after ${away}, as boot ${step.boot}: it was started again`
  })
}

function nextLines(why: NodeWhy): string[] {
  const { asked, node, isTwofold, alarms, probes } = why
  const name = plain(node.name)
  const steps: string[] = []
  if (isTwofold)
    steps.push(
      `stop one of the two machines and give it a data folder of its own, with a new invite; if nobody copied a disk, revoke the key: selvedge trust revoke node ${name}`,
    )
  for (const { hint } of alarms) if (!isTwofold && hint !== '') steps.push(plain(hint))
  if (asked.network === 'off') return [...steps, 'switch the network on again: selvedge network on']
  if (asked.state === 'isolated') {
    const own = 'look at this node’s own network first: its cable, its route, its firewall'
    const caveat = node.id === asked.id ? [] : ['ask a node on the other side: what this one says is old']
    return [...steps, own, ...caveat]
  }
  return [
    ...steps,
    ...nextFor(node.state, why, name),
    ...(probes?.isOneWay === true ? [oneWay(asked.name, name)] : []),
  ]
}

function oneWay(asked: string, name: string): string {
  return `look at the firewall and the route from ${plain(asked)} to ${name}: what it sends arrives, the way there is shut`
}

function nextFor(state: Verdict, why: NodeWhy, name: string): string[] {
  const { asked, node, record, word } = why
  const cause = causeOf(why)
  switch (state) {
    case 'dead':
    case 'suspect': {
      if (cause === 'refused')
        return [`start it again on its machine with selvedge up, and read there why it ended`]
      if (cause === 'frozen')
        return [
          `look at its machine: the process is stopped, out of memory, or waits for its disk; restart it`,
        ]
      if (state === 'suspect' && asked.counted <= 2)
        return [
          `look at ${name} yourself: only a third node, a refused connection or you can tell; let a third node in with selvedge invite`,
        ]
      if (state === 'suspect') return [`wait a few seconds: its watchers are about to decide`]
      const [address] = record?.addresses ?? []
      return [
        `look at its power and its network${address === undefined ? '' : `; it was last at ${plain(address)}`}`,
      ]
    }
    case 'cut-off':
      return [
        `look at the line between ${plain(asked.name)} and ${name}; ask there too: selvedge why ${plain(asked.name)}`,
      ]
    case 'left':
      return word?.farewell === 'network-off'
        ? [`there, when it is wanted: selvedge network on`]
        : [`start it again with selvedge up when it is wanted`]
    default:
      return node.slow === true
        ? [`look at the load of its machine: other processes, memory, a worn disk`]
        : []
  }
}
