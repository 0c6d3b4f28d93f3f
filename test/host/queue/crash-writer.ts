/**
 * A process that is killed in the middle of its work: puts items, takes them, and says of each put and each done, on
 * a line of its own, when it was acknowledged. Its output is written at once, so that nothing said is lost with it.
 */
// oxlint-disable-next-line import/no-unassigned-import
import '../../../core/compat.ts'
import { writeSync } from 'node:fs'
import { openFolder, systemClock } from '../../../core/index.ts'
import { diskQueues } from '../../../host/queue/index.ts'

const [folder = '', from = '0', program = ''] = process.argv.slice(2)
const { QueueThread } = await import('../../../host/queue/sqlite/thread.ts')
// The queue's timers do not keep a process alive.
setInterval(() => {}, 1_000)
const startedMs = performance.now()
const queues = diskQueues(await openFolder(folder), systemClock, new QueueThread(new URL(program)))
const limits = { items: 100_000, bytes: 1e8, itemBytes: 10_000, whenFull: 'refuse', deadItems: 100 } as const
const queue = await queues.open('crash', limits)
const say = (line: string): void => void writeSync(1, `${line}\n`)
say(`open ${Math.round(performance.now() - startedMs)}`)
const told: string[] = []
for (let after = 0; ;) {
  const items = await queue.peek(after, 1_000)
  if (items.length === 0) break
  for (const { id, body } of items) {
    after = id
    told.push(new TextDecoder().decode(body))
  }
}
say(`has ${told.join(' ')}`)
for (let n = Number(from); ; n += 3) {
  const names = [n, n + 1, n + 2]
  const puts = names.map((name) => ({
    key: `k${name % 3}`,
    unique: `u${name}`,
    body: new TextEncoder().encode(`${name}`),
  }))
  await queue.put(puts)
  say(`put ${names.join(' ')}`)
  const [item] = await queue.take(1)
  if (item === undefined) continue
  const name = new TextDecoder().decode(item.body)
  say(`doing ${name}`)
  // Waited for now and then: else it goes with the next put, as it does in a node.
  if (n % 2 === 0) await queue.done([item.id])
  else void queue.done([item.id]).catch(() => {})
  if (n % 2 === 0) say(`done ${name}`)
}
