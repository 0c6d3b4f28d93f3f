/** An object on its way to the disk: a file beside the containers, until it is whole. */
import { rm, type FileHandle } from 'node:fs/promises'
import type { BlobWriter, ObjectChange } from '../contract.ts'
import { storageProblems } from '../problems.ts'
import { guarded } from './folder.ts'
import type { BlobLedger } from './ledger.ts'
import { ObjectSum, type ObjectFacts } from './object-file.ts'

/** What an upload needs of its store. */
export interface UploadNeeds {
  readonly ledger: BlobLedger
  /** Runs it unless the store is closed; `inTurn` also after what changes files and came before. */
  open(run: () => Promise<void>): Promise<void>
  inTurn(run: () => Promise<void>): Promise<void>
  /** @throws ERR_CONTAINER_MISSING */
  checkContainer(name: string): Promise<void>
  /** Gives the finished file its place. */
  place(container: string, name: string): Promise<void>
  /** After that. */
  placed(change: ObjectChange): Promise<void>
  /** Where nothing has to survive a power cut. */
  readonly isRelaxed: boolean
  /** What is said of it, just before it gets its place. */
  describe(name: string): Promise<ObjectFacts>
}

export class DiskUpload implements BlobWriter {
  readonly #path: string
  readonly #file: FileHandle
  readonly #ended: () => void
  readonly #needs: UploadNeeds
  readonly #sum = new ObjectSum()
  #sizeBytes = 0
  #isOver = false

  constructor(path: string, file: FileHandle, ended: () => void, needs: UploadNeeds) {
    this.#path = path
    this.#file = file
    this.#ended = ended
    this.#needs = needs
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#needs.open(async () => {
      await this.#append(bytes)
      this.#sum.add(bytes)
    })
  }

  commit(container: string, name: string): Promise<void> {
    const { ledger, checkContainer, place, placed, describe, isRelaxed } = this.#needs
    return this.#needs.inTurn(async () => {
      try {
        ledger.checkName(name)
        await checkContainer(container)
        const sizeBytes = this.#sizeBytes
        const facts = await describe(name)
        const { digest, trailer } = this.#sum.end(facts)
        await this.#append(trailer)
        if (!isRelaxed) await this.#file.sync()
        await place(container, name)
        this.#isOver = true
        this.#ended()
        await this.#file.close()
        const { number } = facts
        await placed({ container, object: name, kind: 'put', digest, sizeBytes, number })
      } finally {
        await this.#discard()
      }
    })
  }

  abort(): Promise<void> {
    return guarded(() => this.#discard())
  }

  async #append(bytes: Uint8Array): Promise<void> {
    if (this.#isOver) throw storageProblems.error('ERR_STORAGE_CLOSED', 'the object is finished')
    this.#needs.ledger.addBytes(bytes.length)
    this.#sizeBytes += bytes.length
    try {
      await this.#file.appendFile(bytes)
    } catch (error) {
      // A part of them may be in it; what comes after would stand in the wrong place.
      await this.#discard()
      throw error
    }
  }

  async #discard(): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    this.#ended()
    this.#needs.ledger.removeBytes(this.#sizeBytes)
    await this.#file.close()
    await rm(this.#path, { force: true })
  }
}
