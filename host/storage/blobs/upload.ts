/** An object on its way to the disk: a file beside the containers, until it is whole. */
import { rm, type FileHandle } from 'node:fs/promises'
import type { BlobWriter } from '../contract.ts'
import { storageProblems } from '../problems.ts'
import { guarded } from './folder.ts'
import type { BlobLedger } from './ledger.ts'

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
  trailerOf(name: string): Uint8Array
}

export class DiskUpload implements BlobWriter {
  readonly #path: string
  readonly #file: FileHandle
  readonly #ended: () => void
  readonly #needs: UploadNeeds
  #sizeBytes = 0
  #isOver = false

  constructor(path: string, file: FileHandle, ended: () => void, needs: UploadNeeds) {
    this.#path = path
    this.#file = file
    this.#ended = ended
    this.#needs = needs
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#needs.open(() => this.#append(bytes))
  }

  commit(container: string, name: string): Promise<void> {
    const { ledger, checkContainer, place, trailerOf } = this.#needs
    return this.#needs.inTurn(async () => {
      try {
        ledger.checkName(name)
        await checkContainer(container)
        await this.#append(trailerOf(name))
        await this.#file.sync()
        await place(container, name)
        this.#isOver = true
        this.#ended()
        await this.#file.close()
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
    await this.#file.appendFile(bytes)
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
