/** Node's own zstd: takes a dictionary from 22.19 and 24.6 on. Earlier ones ignore it in silence, so it is tried. */
import * as zlib from 'node:zlib'
import { patchLimits } from './limits.ts'
import type { Zstd } from './zstd.ts'

/** What the types of Node 20 do not know yet. */
interface NodeZstd {
  readonly zstdCompressSync: (bytes: Uint8Array, options: object) => Uint8Array
  readonly zstdDecompressSync: (bytes: Uint8Array, options: object) => Uint8Array
  readonly constants: Readonly<Record<string, number>>
}

/** A frame may not ask for a longer memory than this: 8 MiB, more than a section has. */
const windowLog = 23

/** @returns null where this Node cannot */
export function nativeZstd(): Zstd | null {
  const node = zlib as unknown as Partial<NodeZstd>
  if (node.zstdCompressSync === undefined || node.zstdDecompressSync === undefined) return null
  const zstd = over(node as NodeZstd)
  return takesDictionary(zstd) ? zstd : null
}

function over({ zstdCompressSync, zstdDecompressSync, constants }: NodeZstd): Zstd {
  const parameter = (name: string): string => String(constants[name])
  return {
    compress: (bytes, dictionary, level) =>
      zstdCompressSync(bytes, {
        dictionary,
        pledgedSrcSize: bytes.length,
        params: {
          [parameter('ZSTD_c_compressionLevel')]: level,
          // All of the section stays in reach, whatever the level would choose.
          [parameter('ZSTD_c_windowLog')]: Math.ceil(Math.log2(patchLimits.sectionBytes)) + 1,
        },
      }),
    decompress(frame, dictionary, sizeBytes) {
      const bytes = zstdDecompressSync(frame, {
        dictionary,
        maxOutputLength: sizeBytes,
        params: { [parameter('ZSTD_d_windowLogMax')]: windowLog },
      })
      if (bytes.length !== sizeBytes) throw new Error(`a frame holds ${bytes.length} bytes, not ${sizeBytes}`)
      return bytes
    },
  }
}

function takesDictionary(zstd: Zstd): boolean {
  try {
    const probe = Uint8Array.from({ length: 512 }, (_, index) => (index * index * 31 + index) & 0xff)
    const packed = zstd.compress(probe, probe, 3)
    return packed.length < 64 && Buffer.compare(zstd.decompress(packed, probe, probe.length), probe) === 0
  } catch {
    return false
  }
}
