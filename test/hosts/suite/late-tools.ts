/**
 * The tools that make guests from text: 10 MB of WebAssembly that an emulator needs a minute to load. What they make
 * is the same on every host, so the first one, the machine itself, keeps it for those after it, which only load the tools
 * where something is not there.
 */
import type * as tools from '@bytecodealliance/jco-transpile/wasm-tools'
import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../../../build/hosts/made', import.meta.url))

export const parse = kept('parse', async (...args: Parameters<typeof tools.parse>) =>
  (await load()).parse(...args),
)

export const componentNew = kept('componentNew', async (...args: Parameters<typeof tools.componentNew>) =>
  (await load()).componentNew(...args),
)

export const componentEmbed = kept(
  'componentEmbed',
  async (...args: Parameters<typeof tools.componentEmbed>) => (await load()).componentEmbed(...args),
)

function load(): Promise<typeof tools> {
  return import('@bytecodealliance/jco-transpile/wasm-tools')
}

function kept<Args extends readonly unknown[]>(
  name: string,
  make: (...args: Args) => Promise<Uint8Array>,
): (...args: Args) => Promise<Uint8Array> {
  return async (...args) => {
    const key = JSON.stringify(args, (_key, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
    )
    const file = join(folder, `${name}-${createHash('sha256').update(key).digest('hex').slice(0, 32)}`)
    const known = await readFile(file).catch(() => null)
    if (known !== null) return new Uint8Array(known)
    const made = await make(...args)
    await mkdir(folder, { recursive: true })
    await writeFile(`${file}.${process.pid}`, made)
    await rename(`${file}.${process.pid}`, file)
    return made
  }
}
