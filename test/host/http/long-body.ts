/** Long bodies, and what of them this process still holds. */
import { get } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes of buffers that somebody still refers to. */
export function uncollectedBytes(): number {
  // The second finishes what the first one left to be freed on the side.
  collect()
  collect()
  return process.memoryUsage().arrayBuffers
}

/** Reads a body as fast as it comes, and leaves after so many bytes where it goes on. @returns bytes that came */
export function downloaded(
  port: number,
  path: string,
  enough = Infinity,
  progress: (bytes: number) => void = () => {},
): Promise<number> {
  return new Promise((resolve, reject) => {
    const req = get({ port, path, agent: false }, (res) => {
      let bytes = 0
      res.on('data', (piece: Buffer) => {
        bytes += piece.length
        progress(bytes)
        if (bytes < enough) return
        resolve(bytes)
        res.destroy()
      })
      res.on('end', () => resolve(bytes))
      res.on('error', reject)
    })
    req.on('error', reject)
  })
}
