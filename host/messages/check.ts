/** What a publisher hands over, checked at the border. */
import { topicPattern, topicRule } from '../../core/index.ts'
import { messageLimits as limits, type NewMessage } from './contract.ts'
import { messageProblems } from './problems.ts'
import { isReserved } from './request-wire.ts'

const idPattern = /^[\x21-\x7e]{1,64}$/
const namePattern = /^[a-z0-9][a-z0-9./-]{0,180}$/

/** @throws ERR_MESSAGE_TOPIC */
export function checkTopic(topic: string): void {
  if (topicPattern.test(topic)) return
  const shown = JSON.stringify(topic.slice(0, 80))
  throw messageProblems.error('ERR_MESSAGE_TOPIC', `${shown} is no topic`, { hint: topicRule })
}

/** @throws ERR_MESSAGE_TOPIC, ERR_MESSAGE_TOO_LARGE, ERR_MESSAGE_INVALID */
export function checkMessage({ topic, body, key, contentType, metadata = [], id }: NewMessage): void {
  checkTopic(topic)
  atMost('body', body.length, limits.bodyBytes, 'bytes')
  atMost('key', key?.length ?? 0, limits.keyChars, 'characters')
  atMost('content type', contentType?.length ?? 0, limits.contentTypeChars, 'characters')
  atMost('metadata', metadata.length, limits.metadataEntries, 'entries')
  const chars = metadata.reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  atMost('metadata', chars, limits.metadataChars, 'characters')
  for (const text of [key ?? '', contentType ?? '', ...metadata.flat()]) requireWhole(text)
  const own = metadata.find(([name]) => isReserved(name))
  if (own !== undefined)
    throw messageProblems.error('ERR_MESSAGE_INVALID', `the metadata name ${own[0]} is the node’s own`)
  if (id !== undefined && !idPattern.test(id))
    throw messageProblems.error(
      'ERR_MESSAGE_INVALID',
      'the id of a message is no printable ASCII of 1 to 64 characters',
    )
}

/** @throws ERR_MESSAGE_INVALID */
export function checkName(name: string): void {
  if (!namePattern.test(name))
    throw messageProblems.error(
      'ERR_MESSAGE_INVALID',
      `${JSON.stringify(name.slice(0, 80))} names no subscription`,
    )
}

function atMost(what: string, size: number, most: number, unit: string): void {
  if (size <= most) return
  const text = `the ${what} of a message has ${size} ${unit}; ${most} are allowed`
  throw messageProblems.error('ERR_MESSAGE_TOO_LARGE', text)
}

/** Half a character cannot be written as UTF-8, and would not come back as it was. */
function requireWhole(text: string): void {
  if (/\p{Surrogate}/u.test(text))
    throw messageProblems.error(
      'ERR_MESSAGE_INVALID',
      'a text of a message ends in the middle of a character',
    )
}
