/** Messages as a part of the node: opened on its disk, and connected to the mesh while it runs. */
import {
  systemClock,
  systemRandom,
  type Cancel,
  type DurableFolder,
  type Log,
  type Part,
} from '../../core/index.ts'
import type { Mesh } from '../../mesh/index.ts'
import type { NodeConfig } from '../config/index.ts'
import { MeshTopics, openMessaging, type Messaging } from '../messages/index.ts'
import type { Queues } from '../queue/index.ts'

interface MessagesNeeds {
  readonly mesh: Mesh
  readonly queues: Queues
  readonly folder: DurableFolder
  readonly config: NodeConfig
  readonly log: Log
}

/** @throws what the queues throw */
export async function openMessages({
  mesh,
  queues,
  folder,
  config,
  log,
}: MessagesNeeds): Promise<NodeMessages> {
  const directory = new MeshTopics(mesh)
  const { size: bytes, items, keep: keepMs, 'when-full': whenFull } = config.messages
  const messaging = await openMessaging({
    self: mesh.self,
    queues,
    folder,
    settings: { bytes, items, keepMs, whenFull },
    directory,
    carrier: mesh.messages,
    clock: systemClock,
    random: systemRandom,
    log,
    topicsChanged: () => mesh.descriptionChanged(),
  })
  return new NodeMessages(mesh, messaging, directory)
}

export class NodeMessages implements Part {
  readonly name = 'messages'
  readonly messaging: Messaging
  readonly directory: MeshTopics
  readonly #mesh: Mesh
  #unfollow: Cancel = () => {}

  constructor(mesh: Mesh, messaging: Messaging, directory: MeshTopics) {
    this.#mesh = mesh
    this.messaging = messaging
    this.directory = directory
  }

  async start(): Promise<void> {
    this.#unfollow = this.directory.follow()
    await this.messaging.start()
    this.#mesh.messages.receiveWith((node, messages) => this.messaging.receive(node, messages))
  }

  async stop(): Promise<void> {
    this.#mesh.messages.receiveWith(null)
    await this.messaging.stop()
    this.#unfollow()
  }
}
