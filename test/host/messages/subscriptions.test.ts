/** The list of subscriptions on a disk that fails: what was promised to somebody is not deleted for it. */
import { describe, expect, it } from 'vitest'
import { memoryFolder, systemRandom, type DurableFolder } from '../../../core/index.ts'
import type { Message } from '../../../host/messages/index.ts'
import { noDirectory } from '../../../host/messages/directory.ts'
import type { Messaging } from '../../../host/messages/messaging.ts'
import { openMessaging } from '../../../host/messages/opening.ts'
import { MemoryQueueFile } from '../../../host/queue/file.ts'
import { QueuesByName } from '../../../host/queue/queues.ts'
import { testLog } from '../../mesh/transport/nodes.ts'
import { FakeClock } from '../fake-clock.ts'
import { bytesOf, textOf, usualSettings } from './post.ts'

class Journal extends MemoryQueueFile {
  isUnreadable = false

  override async bodies(ids: readonly number[]): Promise<readonly (Uint8Array | null)[]> {
    if (this.isUnreadable) throw new Error('it cannot be read')
    return super.bodies(ids)
  }
}

/** One node on one disk, which may be started again. */
class Site {
  readonly clock = new FakeClock()
  readonly #folder = memoryFolder()
  readonly #files = new Map<string, Journal>()
  isFull = false
  isListUnreadable = false
  messaging!: Messaging

  get journal(): Journal {
    return this.#files.get('messages-in') as Journal
  }

  async start(): Promise<void> {
    const folder: DurableFolder = {
      ...this.#folder,
      read: async (name, most) => {
        if (this.isListUnreadable && name === 'subscriptions.json') throw new Error('it cannot be read')
        return this.#folder.read(name, most)
      },
      write: async (name, bytes) => {
        if (this.isFull) throw new Error('no space left')
        return this.#folder.write(name, bytes)
      },
    }
    this.messaging = await openMessaging({
      self: 'a',
      queues: new QueuesByName(this.clock, {
        open: async (name) => {
          const file = this.#files.get(name) ?? new Journal()
          this.#files.set(name, file)
          return file
        },
        remove: async () => {},
      }),
      folder,
      settings: usualSettings,
      directory: noDirectory,
      carrier: {
        isConnected: () => false,
        onConnected: () => () => {},
        deliver: () => Promise.reject(new Error('alone')),
      },
      clock: this.clock,
      random: systemRandom,
      log: testLog(),
      topicsChanged() {},
    })
    await this.messaging.start()
  }

  async read(name: string): Promise<string[]> {
    const seen: string[] = []
    const handle = async (message: Message): Promise<void> => void seen.push(textOf(message))
    await this.messaging.subscribe(name, ['light'], handle)
    await this.clock.advance(3_000)
    return seen
  }
}

async function subscribed(site: Site): Promise<void> {
  const cancel = await site.messaging.subscribe('app/x', ['light'], async () => {})
  cancel()
}

describe('what waits for a subscription', () => {
  it('waits over a restart, also where the list was full at first and was asked again', async () => {
    const site = new Site()
    await site.start()
    site.isFull = true
    await expect(subscribed(site)).rejects.toThrow('no space left')
    site.isFull = false
    await subscribed(site)
    await site.messaging.publish({ topic: 'light', body: bytesOf('1') })
    await site.start()
    expect(await site.read('app/x')).toEqual(['1'])
  })

  it('waits over a restart at which the list could not be read', async () => {
    const site = new Site()
    await site.start()
    await subscribed(site)
    await site.messaging.publish({ topic: 'light', body: bytesOf('1') })
    site.isListUnreadable = true
    await site.start()
    expect(await site.read('app/x')).toEqual(['1'])
  })

  it('is handed out when a journal that could not be read can be read again', async () => {
    const site = new Site()
    await site.start()
    await subscribed(site)
    await site.messaging.publish({ topic: 'light', body: bytesOf('1') })
    await site.start()
    site.journal.isUnreadable = true
    const seen: string[] = []
    await site.messaging.subscribe('app/x', ['light'], async (message) => void seen.push(textOf(message)))
    await site.clock.advance(5_000)
    expect(seen).toEqual([])
    site.journal.isUnreadable = false
    await site.clock.advance(5_000)
    expect(seen).toEqual(['1'])
  })
})

it('a node starts on a full disk, whoever listened when it ended', async () => {
  const site = new Site()
  await site.start()
  await site.messaging.listen(['light'], async () => {})
  site.isFull = true
  await site.start()
  expect(site.messaging.subscriptions).toEqual([])
})
