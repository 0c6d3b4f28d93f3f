/**
 * Optional addons: npm packages with a part in C that somebody installed because they are faster or can do more.
 * Nothing needs one. They are looked for beside the program, and in folders that the node's owner put them into.
 */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { messageOf } from '../../core/index.ts'
import { refused } from './advice.ts'

/**
 * @param folders whose `node_modules` may have it, first come first served; those above them count as well
 * @returns the module as `import` gives it; the caller knows its shape
 * @throws ERR_DEVICE_UNAVAILABLE with the line that installs it, or what its loading failed with
 */
export async function loadAddon(name: string, folders: readonly string[], instead: string): Promise<unknown> {
  const places = [...folders, dirname(process.argv[1] ?? '.')]
  const hint = `run \`npm install --prefix ${places[0] ?? '.'} ${name}\`, which builds it (it wants python3, make and g++), or ${instead}`
  for (const folder of places) {
    let path: string
    try {
      path = createRequire(join(folder, 'package.json')).resolve(name)
    } catch {
      continue
    }
    try {
      return (await import(pathToFileURL(path).href)) as unknown
    } catch (error) {
      throw refused(`the addon ${name} cannot be loaded: ${messageOf(error)}`, hint)
    }
  }
  throw refused(`the addon ${name} is not installed`, hint)
}
