/**
 * wasi:blobstore on the node's side: the containers that the release was granted, in the app's own store. Every call
 * is checked against the grants, since what the sandbox's half says is only what a guest made it say.
 */
import { messageOf } from '../../../core/index.ts'
import { WitError, type BoundChannel, type BoundFunction, type HostChannel } from '../../engine/index.ts'
import {
  blobstoreContainerId,
  blobstoreId,
  blobstorePartName,
  blobstoreTypesId,
  type WireAnswer,
} from '../../guest/index.ts'
import type { BlobStore, ObjectId } from '../../storage/index.ts'
import type { AppContext } from '../context.ts'
import type { InterfaceOffer } from '../offer.ts'
import { receiveObject } from './upload.ts'

/** Also the list under `[grants]`. */
const grantKind = 'blobstore'

function offer(id: string, summary: string, bind: InterfaceOffer['bind']): InterfaceOffer {
  return { id, summary, grantKind, grantList: grantKind, part: blobstorePartName, bind }
}

export const blobstore: readonly InterfaceOffer[] = [
  offer(blobstoreId, 'keep objects of any size in the granted containers', bindBlobstore),
  offer(blobstoreContainerId, 'the objects in a container', () => ({})),
  offer(blobstoreTypesId, 'objects on their way in and out', () => ({})),
]

type Use = (store: BlobStore, container: string, args: readonly unknown[]) => Promise<unknown>

const operations: Readonly<Record<string, Use>> = {
  'create-container': (store, container) => store.createContainer(container),
  'delete-container': (store, container) => store.deleteContainer(container),
  'container-exists': (store, container) => store.hasContainer(container),
  info: async (store, container) => {
    const { name, createdAt } = await store.container(container)
    return { name, createdAt: BigInt(createdAt) }
  },
  'list-objects': (store, container, [cursor]) =>
    store.objects(container, cursor === null ? null : text(cursor)),
  'delete-objects': (store, container, [names]) => store.deleteObjects(container, list(names).map(text)),
  'has-object': (store, container, [name]) => store.hasObject(container, text(name)),
  'object-info': async (store, container, [name]) => {
    const info = await store.object(container, text(name))
    return { name: info.name, container, createdAt: BigInt(info.createdAt), size: BigInt(info.sizeBytes) }
  },
  clear: (store, container) => store.clear(container),
}

function bindBlobstore(context: AppContext): Record<string, BoundFunction | BoundChannel> {
  const { containers } = context
  /** Of a container that was not granted nobody learns whether it exists. */
  const granted = (name: unknown): string => {
    if (typeof name === 'string' && containers.has(name)) return name
    throw new Error(
      `access denied: the app was not granted the container ${JSON.stringify(String(name).slice(0, 80))}`,
    )
  }
  const idOf = (value: unknown): ObjectId => {
    const { container, object } = (value ?? {}) as Partial<Record<keyof ObjectId, unknown>>
    return { container: granted(container), object: text(object) }
  }
  const bound = Object.entries(operations).map(([name, operation]): [string, BoundFunction] => [
    name,
    call(async ([container, ...args]) => operation(context.blobs(), granted(container), args)),
  ])
  return {
    ...Object.fromEntries(bound),
    'copy-object': call(async ([from, to]) => context.blobs().copy(idOf(from), idOf(to))),
    'move-object': call(async ([from, to]) => context.blobs().move(idOf(from), idOf(to))),
    read: {
      mode: 'channel',
      run: ([container, name, start, end], channel) =>
        sendObject(channel, async () =>
          context.blobs().read(granted(container), text(name), whole(start), whole(end)),
        ),
    },
    write: { mode: 'channel', run: (_args, channel) => receiveObject(channel, context, granted) },
  }
}

function call(run: (args: readonly unknown[]) => Promise<unknown>): BoundFunction {
  return {
    mode: 'call',
    async run(args) {
      try {
        return await run(args)
      } catch (error) {
        throw new WitError(messageOf(error))
      }
    },
  }
}

/** Answers with the size, and lets the bytes follow as fast as the guest takes them. */
async function sendObject(channel: HostChannel, open: () => ReturnType<BlobStore['read']>): Promise<void> {
  const say = (answer: WireAnswer): void => channel.send(answer)
  const reader = await open().catch((error: unknown) => {
    say({ ok: false, error: messageOf(error) })
    return null
  })
  if (reader === null) return
  try {
    say({ ok: true, sizeBytes: reader.sizeBytes })
    for await (const piece of reader.bytes) {
      if (channel.signal.aborted) return
      await channel.write(piece)
    }
    channel.end()
  } catch (error) {
    if (!channel.signal.aborted) channel.end({ message: messageOf(error) })
  } finally {
    await reader.close()
  }
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('it should be a string')
  return value
}

function whole(value: unknown): bigint {
  if (typeof value !== 'bigint') throw new TypeError('it should be a whole number')
  return value
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError('it should be a list')
  return value
}
