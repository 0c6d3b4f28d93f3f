/** The resources of wasi:messaging/types: messages, which live here alone, and clients, of which there is but one kind. */
import { dispose } from '../io/index.ts'
import type { PartContext } from '../part.ts'
import { WitError } from '../wit-error.ts'
import { heldMessageBytes, type GuestMessage, type MessagingError } from './wire.ts'

type Content = Pick<GuestMessage, 'contentType' | 'data' | 'metadata'>
type Metadata = readonly (readonly [string, string])[]

/** What all messages of a sandbox hold together. */
export class MessageRoom {
  #bytes = 0

  /** @throws Error, which ends the guest: a constructor has no other way to say no */
  take(bytes: number): void {
    if (this.#bytes + bytes > heldMessageBytes)
      throw new Error(`the guest holds messages of more than ${heldMessageBytes} bytes; it has to drop some`)
    this.#bytes += bytes
  }

  giveBack(bytes: number): void {
    this.#bytes -= bytes
  }
}

/** The class as the glue sees it, made for one sandbox: a guest constructs it with the data alone. */
export function messageClass(context: PartContext, room: MessageRoom) {
  return class Message {
    readonly #release: () => void
    #bytes = 0
    #topic: string | undefined
    #contentType: string | undefined
    #data: Uint8Array = new Uint8Array(0)
    #metadata: Metadata | undefined
    #replyTo: string | undefined
    #isGone = false

    constructor(data: Uint8Array) {
      this.#release = context.hold()
      this.setData(data)
    }

    /** One that has arrived. */
    static arrived({ topic, contentType, data, metadata, replyTo }: GuestMessage): Message {
      const message = new Message(data)
      message.#topic = topic
      message.#contentType = contentType
      message.#metadata = metadata
      message.#replyTo = replyTo
      message.#weigh()
      return message
    }

    /** Gives it up; it was handed over. */
    taken(): Content {
      const { contentType, data, metadata } = this.#all
      this.#drop()
      return { contentType, data, metadata }
    }

    /** The same of one that its guest keeps. */
    content(): Content {
      return this.#all
    }

    /** Where replies to it go; undefined where nobody waits for any. */
    replyTo(): string | undefined {
      return this.#replyTo
    }

    get #all(): Content {
      return { contentType: this.#contentType, data: this.#data, metadata: this.#metadata }
    }

    topic(): string | undefined {
      return this.#topic
    }

    contentType(): string | undefined {
      return this.#contentType
    }

    setContentType(contentType: string): void {
      this.#contentType = contentType
      this.#weigh()
    }

    data(): Uint8Array {
      return this.#data
    }

    setData(data: Uint8Array): void {
      this.#data = data
      this.#weigh()
    }

    metadata(): Metadata | undefined {
      return this.#metadata
    }

    /** In place of the value that the key has. */
    addMetadata(key: string, value: string): void {
      const others = (this.#metadata ?? []).filter(([name]) => name !== key)
      this.#metadata = [...others, [key, value]]
      this.#weigh()
    }

    setMetadata(metadata: Metadata): void {
      this.#metadata = metadata
      this.#weigh()
    }

    removeMetadata(key: string): void {
      this.#metadata = this.#metadata?.filter(([name]) => name !== key)
      this.#weigh()
    }

    [dispose](): void {
      this.#drop()
    }

    #drop(): void {
      if (this.#isGone) return
      this.#isGone = true
      room.giveBack(this.#bytes)
      this.#release()
    }

    #weigh(): void {
      const { contentType = '', data, metadata = [] } = this.#all
      const chars = metadata.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0)
      const bytes = data.length + 2 * (contentType.length + chars)
      room.take(bytes - this.#bytes)
      this.#bytes = bytes
    }
  }
}

/** The same of a connection to the node's topics. Whatever name it is asked for by, there is but this one exchange. */
export function clientClass(context: PartContext) {
  return class Client {
    readonly #release = context.hold()
    #isConnected = true

    static connect(_name: string): Client {
      return new Client()
    }

    /** @throws WitError after `disconnect` */
    requireConnected(): void {
      if (this.#isConnected) return
      const error: MessagingError = { tag: 'connection', val: 'the client was disconnected' }
      throw new WitError(error)
    }

    disconnect(): void {
      this.#isConnected = false
    }

    [dispose](): void {
      this.#release()
    }
  }
}
