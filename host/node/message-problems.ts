/** What `status` says of messages: a journal that is full or cannot be opened, and what was lost to make room. */
import type { MessageReport, StatusReport } from '../api/index.ts'

const whose = { out: 'for other nodes', in: 'for apps of this node' } as const

/** @param fixOf what to do about a code */
export function messageTroubles(
  { journals }: Pick<MessageReport, 'journals'>,
  fixOf: (code: string) => string,
): StatusReport['problems'] {
  const code = 'ERR_MESSAGES_FULL'
  return (['out', 'in'] as const).flatMap((direction) => {
    const { items, mostItems, bytes, mostBytes, dropped, problem } = journals[direction]
    if (problem !== undefined) {
      const unusable = 'ERR_MESSAGES_UNUSABLE'
      const message = `the journal of messages ${whose[direction]} cannot be used: ${problem}`
      return [{ code: unusable, message, hint: fixOf(unusable) }]
    }
    const isFull = items >= mostItems || bytes >= mostBytes
    if (!isFull && dropped === 0) return []
    const lost = dropped === 0 ? '' : `; ${dropped} were dropped to make room since the node started`
    const held = `the journal of messages ${whose[direction]} holds ${items} of ${mostItems}, ${bytes} of ${mostBytes} bytes`
    return [{ code, message: `${held}${lost}`, hint: fixOf(code) }]
  })
}
