/**
 * Which of the kernel's modules the board loads, and in which order: each after those that it says it depends on, as
 * `depmod` would find out.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'

export interface KernelModule {
  readonly name: string
  readonly path: string
}

/**
 * @param folder as `lib/modules/6.1.0-35-armmp`
 * @param wanted names; what is built into the kernel is left out
 * @returns in the order of loading
 * @throws for one that there is not
 */
export function modulesFor(folder: string, wanted: readonly string[]): KernelModule[] {
  const files = new Map<string, string>()
  const entries = readdirSync(join(folder, 'kernel'), { recursive: true, encoding: 'utf8' })
  for (const entry of entries)
    if (entry.endsWith('.ko')) files.set(nameOf(entry), join(folder, 'kernel', entry))
  const builtin = new Set(
    readFileSync(join(folder, 'modules.builtin'), 'utf8').split('\n').filter(Boolean).map(nameOf),
  )
  const ordered = new Map<string, KernelModule>()
  const add = (name: string): void => {
    if (ordered.has(name) || builtin.has(name)) return
    const path = files.get(name)
    if (path === undefined) throw new Error(`the kernel in ${folder} has no module ${name}`)
    for (const needed of dependenciesIn(readFileSync(path))) add(needed)
    ordered.set(name, { name, path })
  }
  for (const name of wanted) add(normal(name))
  return [...ordered.values()]
}

/** @param image of a module, whose section `.modinfo` has texts as `depends=a,b` */
export function dependenciesIn(image: Buffer): string[] {
  const at = image.indexOf('\0depends=')
  if (at === -1) return []
  const from = at + '\0depends='.length
  const text = image.toString('latin1', from, image.indexOf(0, from))
  return text.split(',').filter(Boolean).map(normal)
}

function nameOf(path: string): string {
  return normal(basename(path).replace(/\.ko$/, ''))
}

/** The kernel takes a dash in a name for an underscore. */
function normal(name: string): string {
  return name.replaceAll('-', '_')
}
