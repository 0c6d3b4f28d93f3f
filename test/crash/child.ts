/**
 * The program that is killed: goes through the chains of acts and says of each, on its standard output, when it begins and
 * when it was acknowledged: `+ CHAIN NUMBER`, `= CHAIN NUMBER`. `node child.mjs FOLDER KIND DURABILITY FIRST,FIRST,…`
 */
import { writeSync } from 'node:fs'
import type { Durability } from '../../host/storage/index.ts'
import { perform, prepare, type StoreKind } from './acts.ts'
import { openStores } from './stores.ts'

const [, , folder = '', kind = 'keyvalue', durability = 'full', firsts = ''] = process.argv
const storage = await openStores(folder, kind as StoreKind, durability as Durability)
await prepare(storage, kind as StoreKind)
say('ready')
// What waits for company at the disk keeps no process alive.
const alive = setInterval(() => {}, 1_000)
// Whoever started it ends it; it does not go on alone for ever.
const endAt = performance.now() + 60_000
await Promise.all(
  firsts.split(',').map(async (first, chain) => {
    for (let number = Number(first); performance.now() < endAt; number += 1) {
      say(`+ ${chain} ${number}`)
      await perform(storage, folder, kind as StoreKind, chain, number)
      say(`= ${chain} ${number}`)
    }
  }),
)
clearInterval(alive)

/** At once, as the next moment may be the last; who listens may be slow to read. */
function say(line: string): void {
  for (;;) {
    try {
      writeSync(1, `${line}\n`)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
}
