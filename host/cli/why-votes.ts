/** The votes about a node as sentences: who last heard what from whom, and when. */
import type { NodeWhy, WhyVote } from '../api/index.ts'
import { ageText, countText, plain } from './text.ts'

/** Evidence that was seen, not only missed: it tells what happened to the node. */
export type Cause = 'refused' | 'frozen' | 'unreachable' | 'no-answer' | 'closed'

const byWeight: readonly Cause[] = ['refused', 'frozen', 'no-answer', 'unreachable', 'closed']

/** What doubts come to: the strongest evidence among those that stand, this node's own included; null where none does. */
export function causeOf({ votes, probes }: NodeWhy): Cause | null {
  const seen = new Set(votes.filter(({ verdict }) => verdict !== 'alive').map(({ evidence }) => evidence))
  if (probes !== null && probes.evidence !== null) seen.add(probes.evidence)
  return byWeight.find((cause) => seen.has(cause)) ?? null
}

/** Others that hear it, by name. */
export function hearers({ votes }: NodeWhy): string[] {
  return votes.filter(({ verdict, self }) => verdict === 'alive' && !self).map(nameOf)
}

/** A line for each vote, for this node's own eyes, and one for those who have said nothing. */
export function voteLines(why: NodeWhy): string[] {
  if (why.node.id === why.asked.id) return why.votes.map((vote) => voteText(vote, why))
  const others = why.votes.filter(({ self }) => !self)
  return [ownLine(why), ...others.map((vote) => voteText(vote, why)), ...quietLines(why)]
}

/** What this node sees itself, which is newer than what it last voted. */
function ownLine(why: NodeWhy): string {
  const { asked, probes, votes } = why
  const who = `${plain(asked.name)} (this node)`
  const own = votes.find(({ self }) => self)
  const votedFor = own?.verdict === 'dead' ? '; it votes for death' : ''
  // Of a node that is gone there is no connection left to tell of, only what was voted.
  if (probes === null && own !== undefined) return voteText(own, why)
  if (probes === null) return `${who} does not watch it, and goes by those who do`
  const { heardAgoMs, unanswered, askedAgoMs, evidence, isOneWay, isConnected } = probes
  const heard =
    heardAgoMs === null
      ? 'has not heard it since it was started itself'
      : `last heard it ${ageText(heardAgoMs)} ago`
  if (isOneWay) return `${who} ${heard}, but its own probes get no answer: a one-way line`
  if (evidence === 'refused')
    return `${who} ${heard}; its host refuses connections: the process is gone${votedFor}`
  if (evidence === 'frozen')
    return `${who} ${heard}; its host takes connections, but it says nothing: it is frozen${votedFor}`
  // An answer takes its time: one probe under way is not yet a missing answer.
  if (evidence === null && isConnected && heardAgoMs !== null)
    return `${who} heard it ${ageText(heardAgoMs)} ago`
  if (unanswered > 0 && askedAgoMs !== null)
    return `${who} asked it ${ageText(askedAgoMs)} ago and got no answer (${countText(unanswered, 'try', 'tries')}); ${heard}${votedFor}`
  if (evidence === 'closed') return `${who} ${heard}; then the connection closed without a word${votedFor}`
  if (evidence === 'unreachable') return `${who} ${heard}, and cannot connect to it${votedFor}`
  if (own !== undefined && own.verdict !== 'alive') return voteText(own, why)
  return `${who} ${heard}`
}

function voteText(vote: WhyVote, { node }: NodeWhy): string {
  const who = vote.self ? `${nameOf(vote)} (this node)` : nameOf(vote)
  const age = `${ageText(vote.ageMs)} ago`
  const silent = vote.silentMs > 0 ? `heard nothing for ${ageText(vote.silentMs)}` : 'hears nothing'
  const death = vote.verdict === 'dead' ? ', and votes for death' : ''
  switch (vote.evidence) {
    case 'heard':
      return `${who} heard it ${age}${node.state === 'cut-off' ? ': so it is cut off from us, not dead' : ''}`
    case 'refused':
      return `${who} said ${age}: its host refuses connections, the process is gone`
    case 'frozen':
      return `${who} said ${age}: its host takes connections, but it says nothing for ${ageText(vote.silentMs)}: frozen${death}`
    case 'closed':
      return `${who} said ${age}: its connection closed without a word${death}`
    case 'unreachable':
      return `${who} said ${age} that it cannot connect to it${death}`
    default:
      return `${who} asked it and ${silent}, as it said ${age}${death}`
  }
}

/** Watchers without a vote: no news is good news, unless they are away themselves. */
function quietLines({ watchers, votes, asked, node }: NodeWhy): string[] {
  if (node.state === 'left') return []
  const spoken = new Set(votes.map(({ observer }) => observer))
  const quiet = watchers.filter(({ id }) => !spoken.has(id) && id !== asked.id)
  const there = quiet.filter(({ state }) => state === 'alive')
  const away = quiet.filter(({ state }) => state !== 'alive')
  const named = (list: typeof quiet): string => namesText(list.map(({ id, name }) => name ?? shortId(id)))
  const says = node.state === 'alive' ? 'nothing against it' : 'nothing yet'
  return [
    ...(there.length === 0
      ? []
      : [`${named(there)} ${there.length === 1 ? 'watches' : 'watch'} it too, and said ${says}`]),
    ...(away.length === 0
      ? []
      : [`${named(away)} would watch it, and ${away.length === 1 ? 'is' : 'are'} not reached from here`]),
  ]
}

/** Up to four by name. */
export function namesText(names: readonly string[]): string {
  const shown = names.slice(0, names.length > 5 ? 4 : 5).map(plain)
  const more = names.length - shown.length
  if (more > 0) return `${shown.join(', ')} and ${more} more`
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1) ?? ''}`
}

function nameOf({ name, observer }: WhyVote): string {
  return name === null ? shortId(observer) : plain(name)
}

function shortId(id: string): string {
  return `…${plain(id.slice(-8))}`
}
