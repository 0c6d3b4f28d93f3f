/** Names and filters of MQTT topics (MQTT 5.0, section 4.7): what they may be, and what matches what. */
import { mqttProblems } from './problems.ts'

/** In bytes of UTF-8, by the standard. */
const maxTopicBytes = 65_535
/** Levels are compared one by one, for each message. */
const maxLevels = 128

/** @returns what is wrong with it as the name of one topic, or null */
export function topicProblem(topic: string): string | null {
  return /[+#]/.test(topic) ? 'has a wildcard; a message goes to one topic' : levelsProblem(topic)
}

/** @returns what is wrong with it as a filter, or null */
export function filterProblem(filter: string): string | null {
  const levels = filter.split('/')
  if (levels.some((level) => level.length > 1 && /[+#]/.test(level))) {
    return 'has a wildcard beside other characters; + and # stand alone between slashes'
  }
  const hash = levels.indexOf('#')
  if (hash !== -1 && hash !== levels.length - 1) return 'has # before its end; write it last'
  return levelsProblem(filter)
}

function levelsProblem(text: string): string | null {
  if (text === '') return 'is empty; write a topic'
  if (text.includes('\0')) return 'has a zero character; leave it out'
  if (Buffer.byteLength(text) > maxTopicBytes) return `is longer than ${maxTopicBytes} bytes; shorten it`
  if (text.split('/').length > maxLevels) return `has more than ${maxLevels} levels; use fewer slashes`
  // A lone half of a surrogate pair would not survive UTF-8.
  if (Buffer.from(text, 'utf8').toString('utf8') !== text) return 'is no valid text; correct its characters'
  return null
}

/** @throws ERR_TOPIC_INVALID */
export function checkTopic(topic: string): void {
  check(topic, topicProblem(topic))
}

/** @throws ERR_TOPIC_INVALID */
export function checkFilter(filter: string): void {
  check(filter, filterProblem(filter))
}

function check(text: string, problem: string | null): void {
  if (problem === null) return
  const [what = '', hint] = problem.split('; ')
  const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
  throw mqttProblems.error('ERR_TOPIC_INVALID', `${shown} ${what}`, hint === undefined ? {} : { hint })
}

/** Whether the filter matches the topic. Wildcards in the first level leave out topics that begin with `$`. */
export function matchesFilter(filter: string, topic: string): boolean {
  const levels = filter.split('/')
  const names = topic.split('/')
  if (topic.startsWith('$') && (levels[0] === '+' || levels[0] === '#')) return false
  for (const [index, level] of levels.entries()) {
    if (level === '#') return true
    if (index >= names.length || (level !== '+' && level !== names[index])) return false
  }
  return levels.length === names.length
}
