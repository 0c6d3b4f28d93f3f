/** How a component comes, or came, to a node, in words. */
import type { Transfer } from '../api/index.ts'
import { ageText, partText, percentText, plain, rateText, sizeText } from './text.ts'

/** Until then peers may still be on their way to each other. */
const patienceMs = 3_000

/** On its way: `42 %  0.5 of 1.1 MB  220.0 KB/s from peers`, the percentage padded to line up. */
export function comingText({ haveBytes, totalBytes, bytesPerSecond, via, ms }: Transfer): string {
  const share = totalBytes === 0 ? 1 : haveBytes / totalBytes
  const head = `${percentText(share).padStart(5)}  ${partText(haveBytes, totalBytes)}`
  if (bytesPerSecond === undefined) return head
  // A rate of zero is no answer to what somebody asks who looks at it.
  if (bytesPerSecond === 0)
    return `${head}  nothing comes${ms < patienceMs ? ' yet' : ': no peer in reach sends it'}`
  return `${head}  ${rateText(bytesPerSecond)}${via === 'disk' ? '' : ` ${viaText(via)}`}`
}

/** `3.8 KB by patch`, `1.1 MB from peers`, `from its disk`. */
export function cameText({ via, fetchedBytes }: Transfer): string {
  return via === 'disk' ? 'from its disk' : `${sizeText(fetchedBytes)} ${viaText(via)}`
}

/** `3.8 KB by patch for its 1.1 MB, in 0.3 s`. */
export function originText(transfer: Transfer): string {
  const { via, totalBytes, ms } = transfer
  if (via === 'disk') return `${sizeText(totalBytes)}, from this node’s disk`
  const whole = sizeText(totalBytes)
  const came = cameText(transfer)
  return `${came.startsWith(whole) ? came : `${came} for its ${whole}`}, in ${ageText(ms)}`
}

function viaText(via: string): string {
  return via === 'patch' ? 'by patch' : `from ${plain(via)}`
}
