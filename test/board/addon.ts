/**
 * The addon `onoff` for the board's Node.js: from npm as source, its part in C built with Debian's cross compiler against
 * the headers of Debian's Node.js for the board. On a real board `npm install` does the same, more slowly.
 */
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mustFinish } from '../foreign/index.ts'

export interface AddonOptions {
  /** As `makeSystem` made it; its `usr/include` has the headers. */
  readonly system: string
  readonly cache: string
  say(text: string): void
}

const compiler = 'arm-linux-gnueabihf-g++'
const onoff = 'onoff@6.0.3'
const withinMs = 300_000

/** @returns a folder whose `node_modules` has onoff, ready for the board @throws what npm or the compiler complained of */
export async function makeOnoff({ system, cache, say }: AddonOptions): Promise<string> {
  const folder = join(cache, 'addons')
  const modules = join(folder, 'node_modules')
  const built = join(modules, 'epoll/build/Release/epoll.node')
  const headers = readFileSync(join(system, 'usr/include/node/node_version.h'), 'utf8')
  const made = JSON.stringify({ onoff, headers: headers.match(/#define NODE_M\w+_VERSION \d+/g) })
  const stamp = `${folder}.json`
  if (existsSync(built) && existsSync(stamp) && readFileSync(stamp, 'utf8') === made) return folder
  say(`gets ${onoff} and builds its addon for the board`)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n')
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error']
  await mustFinish('npm', ['install', ...quiet, '--prefix', folder, onoff], withinMs)
  await mkdir(join(built, '..'), { recursive: true })
  const include = [join(system, 'usr/include/node'), join(modules, 'nan')].map((path) => `-I${path}`)
  // For uv.h; the compiler's own headers of the C library go before those that lie beside it.
  include.push('-idirafter', join(system, 'usr/include'))
  const defines = ['-DNODE_GYP_MODULE_NAME=epoll', '-DBUILDING_NODE_EXTENSION', '-D_FILE_OFFSET_BITS=64']
  const flags = ['-std=gnu++17', '-O2', '-fPIC', '-shared', '-pthread', '-w', '-D_LARGEFILE_SOURCE']
  const source = join(modules, 'epoll/src/epoll.cc')
  await mustFinish(compiler, [...flags, ...defines, ...include, source, '-o', built], withinMs)
  await writeFile(stamp, made)
  return folder
}
