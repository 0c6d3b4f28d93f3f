/**
 * The storage thread: waits for the disk so that the daemon does not. What came for a file while it waited is done in one
 * transaction, in the order of the requests; then what was asked on lines that are lent. Between them it sleeps on a bell
 * rather than in its event loop: who asks on a line rings it at the price of a wake-up, and has no port to send through.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { Patience, systemClock } from '../../../core/index.ts'
import { SqliteFiles, type Outcome } from './files.ts'
import type { Asked } from './lent-buckets.ts'
import type {
  StorageAnswer,
  StorageMethod,
  StorageReply,
  StorageRequest,
  StorageThreadData,
  StorageTold,
} from './protocol.ts'

/** So much of one turn: the answers to all of them wait for the last. */
const maxAtOnce = 256
/** What is held is told so often: a word with each write would cost more than the write. */
const tellEveryMs = 250
const reading: ReadonlySet<StorageMethod> = new Set(['get', 'version'])

const { limits, pagesKb, bell } = workerData as StorageThreadData
const files = new SqliteFiles(limits, { pagesKb })
/** Files that were changed on lines since the node was last told of them. */
const untold = new Set<string>()
let toldAtMs = 0
/** Who was just answered on a line may ask again at once. */
const patience = new Patience()

for (;;) {
  const rung = Atomics.load(bell, 0)
  const requests = received()
  const asked = files.lent.asked()
  if (requests.length + asked.length > 0) {
    const [only] = asked
    // What one guest alone does one after the other needs no turn of the event loop.
    if (only === undefined || requests.length + asked.length > 1 || !dealtWith(only))
      await dealWith(requests, asked)
    if (untold.size > 0 && systemClock.monotonicMs() - toldAtMs > tellEveryMs) tellAll()
  } else if (!patience.look(() => Atomics.load(bell, 0) !== rung)) {
    const untilMs = untold.size === 0 ? Infinity : toldAtMs + tellEveryMs - systemClock.monotonicMs()
    if (untilMs <= 0) tellAll()
    else Atomics.wait(bell, 0, rung, untilMs)
  }
}

function received(): StorageRequest[] {
  const requests: StorageRequest[] = []
  while (requests.length < maxAtOnce) {
    const received = parentPort && receiveMessageOnPort(parentPort)
    if (!received) break
    requests.push((received as { message: StorageRequest }).message)
  }
  return requests
}

async function dealWith(requests: readonly StorageRequest[], asked: readonly Asked[]): Promise<void> {
  const paths = new Set([...requests, ...asked].map(({ path }) => path))
  for (const path of paths) {
    const ofNode = requests.filter((request) => request.path === path)
    const ofLines = asked.filter((question) => question.path === path)
    const outcomes = await files.runAll(path, [...ofNode, ...ofLines.map(({ call }) => call)])
    for (const [index, question] of ofLines.entries())
      question.answer(outcomes[ofNode.length + index] ?? { value: undefined })
    answerAll(path, ofNode, outcomes)
    if (ofLines.some(({ call }) => !reading.has(call.method))) told(path)
  }
}

/** @returns false where it takes longer, and nothing was done */
function dealtWith({ path, call, answer }: Asked): boolean {
  const outcome = files.runNow(path, call)
  if (outcome === null) return false
  answer(outcome)
  if (!reading.has(call.method)) told(path)
  return true
}

function answerAll(path: string, requests: readonly StorageRequest[], outcomes: readonly Outcome[]): void {
  const held = files.heldAt(path)
  let changes = requests.length > 0 ? files.changesAt(path) : []
  for (const [index, { n }] of requests.entries()) {
    send({ n, held, changes, ...answerOf(outcomes[index]) })
    changes = []
  }
}

function answerOf(outcome: Outcome | undefined): StorageAnswer {
  if (outcome === undefined) return { value: undefined }
  if ('value' in outcome) return outcome
  const { code, kind, message, hint } = outcome.error
  return { problem: { code, kind, message, hint } }
}

/** Changes go at once, as somebody waits for them; how much is held is worth no message of its own. */
function told(path: string): void {
  const changes = files.changesAt(path)
  if (changes.length > 0) send({ n: 0, path, held: files.heldAt(path), changes })
  else untold.add(path)
}

function tellAll(): void {
  for (const path of untold) send({ n: 0, path, held: files.heldAt(path), changes: [] })
  untold.clear()
  toldAtMs = systemClock.monotonicMs()
}

function send(reply: StorageReply | StorageTold): void {
  parentPort?.postMessage(reply) // oxlint-disable-line require-post-message-target-origin -- a port, not a window
}
