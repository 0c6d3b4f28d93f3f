/** What whoever asked a thread is told when it ends: what was not answered may have been done all the same. */
import { describe, expect, it } from 'vitest'
import { RequestThread, storageProblems } from '../../../host/storage/index.ts'

/** Answers nothing; ends where it is asked to. */
const program = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from 'node:worker_threads'
    parentPort.on('message', ({ method }) => { if (method === 'end') process.exit(1) })
  `)}`,
)

const opened = (): RequestThread =>
  new RequestThread({
    called: 'the storage thread',
    name: 'test',
    program,
    heapMb: 16,
    closed: () => storageProblems.error('ERR_STORAGE_CLOSED', 'the stores of this node are closed'),
  })
const failure = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error)

describe('a request to a thread', () => {
  it('that was closed before it answered has an end that is not known, and one after that was not taken', async () => {
    const thread = opened()
    const asked = failure(thread.request({ method: 'set' }))
    await thread.close()
    expect(await asked).toMatchObject({
      code: 'ERR_STORAGE_CLOSED',
      message:
        'the storage thread was closed before it answered: whether it did what it was asked is not known',
    })
    expect(await failure(thread.request({ method: 'set' }))).toMatchObject({
      code: 'ERR_STORAGE_CLOSED',
      message: 'the stores of this node are closed',
    })
  })

  it('that died before it answered has an end that is not known either', async () => {
    const thread = opened()
    const [asked, end] = [
      failure(thread.request({ method: 'set' })),
      failure(thread.request({ method: 'end' })),
    ]
    for (const error of [await asked, await end])
      expect(error).toMatchObject({
        code: 'ERR_STORAGE_FAILED',
        message: 'the storage thread ended before it answered: whether it did what it was asked is not known',
      })
    await thread.close()
  })
})
