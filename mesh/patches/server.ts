/**
 * Answers what admitted peers ask about patches, from what the store has; and again when that changes, so that nobody
 * has to ask twice. A peer that takes slowly is held back by its own channel.
 */
import { messageOf, type Digest, type Log } from '../../core/index.ts'
import type { Channel, NodeId } from '../transport/index.ts'
import { patchLimits } from './limits.ts'
import { decodeRequest, encodeMessage, type PatchAnswer, type PatchOffer } from './messages.ts'
import type { PatchStore } from './patch-store.ts'

export interface ServerNeeds {
  readonly store: PatchStore
  readonly log: Log
  /** Whether a patch that leads to `target` is being made or on its way here. */
  isExpecting(target: Digest): boolean
  /** Somebody asks for what is not here: it may be made. */
  onLacking(app: string, target: Digest, bases: readonly Digest[]): void
}

/** {@link Question.told}, of an answer without anything in it. */
const nothing = 'false '

interface Question {
  readonly target: Digest
  readonly bases: readonly Digest[]
  /** What was answered last, to say nothing twice. */
  told: string
}

export class PatchServer {
  readonly #needs: ServerNeeds
  readonly #channels = new Map<NodeId, Map<Channel, Map<number, Question>>>()
  #bytesInHand = 0
  #sentBytes = 0

  constructor(needs: ServerNeeds) {
    this.#needs = needs
  }

  /** Of patches that were handed to the network, since it was made. */
  get sentBytes(): number {
    return this.#sentBytes
  }

  serve(peer: NodeId, channel: Channel): void {
    const channels = this.#channels.get(peer) ?? new Map<Channel, Map<number, Question>>()
    if (channels.size >= patchLimits.channelsPerPeer) {
      this.#needs.log.debug('patches:too-many-channels', { peer })
      return channel.close()
    }
    const questions = new Map<number, Question>()
    this.#channels.set(peer, channels.set(channel, questions))
    this.#answerAll(channel, questions)
      .catch((error: unknown) =>
        this.#needs.log.debug('patches:serving-ended', { peer, error: messageOf(error) }),
      )
      .finally(() => {
        channel.close()
        channels.delete(channel)
        if (channels.size === 0 && this.#channels.get(peer) === channels) this.#channels.delete(peer)
      })
      .catch(() => {})
  }

  /** Tells whoever asked about `target` what is new. */
  changed(target: Digest): void {
    for (const channels of this.#channels.values()) {
      for (const [channel, questions] of channels) {
        for (const [n, question] of questions) {
          if (question.target !== target) continue
          this.#tell(channel, n, question).catch((error: unknown) =>
            this.#needs.log.debug('patches:untold', { error: messageOf(error) }),
          )
        }
      }
    }
  }

  stop(): void {
    for (const channels of this.#channels.values()) for (const channel of channels.keys()) channel.close()
  }

  async #answerAll(channel: Channel, questions: Map<number, Question>): Promise<void> {
    for await (const frame of channel.messages) {
      const request = decodeRequest(frame)
      if (request === null) continue
      const { n } = request
      if (request.kind === 'forget') questions.delete(n)
      else if (request.kind === 'get') await this.#send(channel, n, questions.get(n), request.digest)
      else {
        const question = { target: request.target, bases: request.bases, told: '' }
        const oldest = questions.keys().next().value
        if (questions.size >= patchLimits.questionsPerPeer && oldest !== undefined) questions.delete(oldest)
        questions.set(n, question)
        await this.#tell(channel, n, question)
        if (question.told === nothing) this.#needs.onLacking(request.app, question.target, question.bases)
      }
    }
  }

  async #tell(channel: Channel, n: number, question: Question): Promise<void> {
    const { target, bases } = question
    const patches = this.#needs.store.find(target, bases).map(({ base, digest, sizeBytes }): PatchOffer => {
      return { base: bases.indexOf(base), digest, sizeBytes }
    })
    const expecting = patches.length === 0 && this.#needs.isExpecting(target)
    const told = `${expecting} ${patches.map(({ digest }) => digest).join(' ')}`
    if (told === question.told) return
    question.told = told
    await this.#say(channel, { kind: 'known', n, expecting, patches })
  }

  async #send(channel: Channel, n: number, question: Question | undefined, digest: Digest): Promise<void> {
    const { store } = this.#needs
    const isFull = this.#bytesInHand > patchLimits.servingBytes
    const isOffered =
      question !== undefined &&
      store.find(question.target, question.bases).some((patch) => patch.digest === digest)
    const bytes = isOffered && !isFull ? await store.get(digest) : null
    if (bytes === null) return this.#say(channel, { kind: 'gone', n })
    this.#bytesInHand += bytes.length
    try {
      for (let at = 0; at < bytes.length; at += patchLimits.pieceBytes) {
        const piece = bytes.subarray(at, at + patchLimits.pieceBytes)
        await this.#say(channel, { kind: 'piece', n, bytes: piece })
        this.#sentBytes += piece.length
      }
    } finally {
      this.#bytesInHand -= bytes.length
    }
  }

  #say(channel: Channel, answer: PatchAnswer): Promise<void> {
    return channel.send(encodeMessage(answer))
  }
}
