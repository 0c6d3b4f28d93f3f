import { describe, expect, it } from 'vitest'
import { memoryFolder, systemRandom } from '../../../core/index.ts'
import { bytesToMove } from '../../../host/node/bytes-to-move.ts'
import { componentRef, openBlobStore } from '../../../mesh/index.ts'

const random = systemRandom.bytes(400_000)

describe('what a release makes nodes fetch', () => {
  it('is all of it without the release before, and with it the chunks that differ and their list', async () => {
    const store = await openBlobStore(memoryFolder())
    const changed = random.slice()
    changed.fill(0, 200_000, 200_020)
    const before = await store.putComponent(random)
    const ref = await store.putComponent(changed)
    const fullBytes = ref.sizeBytes + ref.chunks.sizeBytes
    expect(await bytesToMove(store, ref, null)).toEqual({ fullBytes, updateBytes: null })
    const { updateBytes } = await bytesToMove(store, ref, before)
    expect(updateBytes).toBeGreaterThan(ref.chunks.sizeBytes)
    expect(updateBytes).toBeLessThan(ref.chunks.sizeBytes + 4 * 65_536)
    expect(await bytesToMove(store, ref, ref)).toEqual({ fullBytes, updateBytes: 0 })
  })

  it('is not guessed where the release before is not on the disk', async () => {
    const store = await openBlobStore(memoryFolder())
    const ref = await store.putComponent(random)
    const elsewhere = componentRef(systemRandom.bytes(100_000)).ref
    expect((await bytesToMove(store, ref, elsewhere)).updateBytes).toBeNull()
  })

  it('counts a chunk that comes twice once', async () => {
    const store = await openBlobStore(memoryFolder())
    const ref = await store.putComponent(new Uint8Array(1_000_000))
    const before = await store.putComponent(random)
    const { updateBytes } = await bytesToMove(store, ref, before)
    expect(updateBytes).toBeLessThan(ref.chunks.sizeBytes + 3 * 65_536)
  })
})
