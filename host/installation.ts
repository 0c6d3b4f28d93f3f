/**
 * Whether this installation can run at all: a Node.js that is new enough, and every file of one build beside the
 * program.
 *
 * Chunks carry a hash of their content in their name, so one that is there is the right one. The others (workers,
 * WebAssembly) keep their names from build to build: each script of them ends in the mark of its build. Sizes tell a
 * file that was cut short. That is what a start can afford; whether each byte is right, the package's own check asks.
 */
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Printed as `error[code]: what`, then `hint: …`; the codes are in the problem table of the command line. */
export interface StartFault {
  readonly code: 'ERR_NODE_TOO_OLD' | 'ERR_PROGRAM_INCOMPLETE' | 'ERR_START_FOLDER'
  readonly what: string
  readonly hint: string
}

/** The oldest Node.js that the program runs on; package.json says the same. */
const oldest = [18, 20] as const

/** What a build leaves in `build.json`. */
interface BuildList {
  readonly build: string
  /** Bytes of each file. */
  readonly files: Readonly<Record<string, number>>
  /** Those that end in the build's mark. */
  readonly marked: readonly string[]
}

/** @returns null where this Node.js will do */
export function nodeFault(version: string, path: string): StartFault | null {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return null
  const needed = oldest.join('.')
  return {
    code: 'ERR_NODE_TOO_OLD',
    what: `selvedge needs Node.js ${needed} or later, and ${path} is ${version}`,
    hint: `install a newer Node.js, or start selvedge with another one that is here: /path/to/node selvedge.mjs`,
  }
}

/** @returns null where every file of one build is in `folder` */
export function installationFault(folder: string): StartFault | null {
  const list = buildList(folder)
  if (list === null) return incomplete(`${join(folder, 'build.json')}, which lists its files, cannot be read`)
  const mark = markOf(list.build)
  for (const [name, bytes] of Object.entries(list.files)) {
    const path = join(folder, name)
    const found = sizeOf(path)
    if (found === null) return incomplete(`${path} is missing`)
    const end = list.marked.includes(name) ? lastBytes(path, found, mark.length) : mark
    if (end === null) return incomplete(`${path} cannot be read`)
    // First, as a file of another build has another size too.
    if (end !== mark && end.startsWith('//build:'))
      return incomplete(`${path} is of another build than the files beside it`)
    if (found !== bytes || end !== mark)
      return incomplete(`${path} has ${found} bytes, not the ${bytes} that were built`)
  }
  return null
}

/** What to say where the program was found whole and did not load: it looks for two folders before all else. */
export function loadFault(error: unknown): StartFault {
  const { syscall, message } = (error ?? {}) as { syscall?: unknown; message?: unknown }
  if (syscall === 'uv_cwd')
    return {
      code: 'ERR_START_FOLDER',
      what: 'the folder that selvedge was started in is not there any more',
      hint: 'go to another folder (cd /), and start it again',
    }
  if (syscall === 'uv_os_homedir')
    return {
      code: 'ERR_START_FOLDER',
      what: 'whoever runs selvedge has no home folder, and so nowhere to keep data',
      hint: 'set HOME, as HOME=/var/lib/selvedge',
    }
  return incomplete(`it does not load: ${String(message ?? error).split('\n')[0]}`)
}

/** The last line of a script. */
export function markOf(build: string): string {
  return `//build:${build}\n`
}

function incomplete(what: string): StartFault {
  return {
    code: 'ERR_PROGRAM_INCOMPLETE',
    what: `this installation of selvedge is not whole: ${what}`,
    hint: 'install selvedge again, into an empty folder; data and settings are elsewhere and stay',
  }
}

function buildList(folder: string): BuildList | null {
  try {
    const list = JSON.parse(readFileSync(join(folder, 'build.json'), 'utf8')) as Partial<BuildList>
    const { build, files, marked } = list
    return build === undefined || files === undefined || marked === undefined
      ? null
      : { build, files, marked }
  } catch {
    return null
  }
}

function sizeOf(path: string): number | null {
  try {
    return statSync(path).size
  } catch {
    return null
  }
}

/** @returns null where the file may not be read */
function lastBytes(path: string, sizeBytes: number, count: number): string | null {
  try {
    const file = openSync(path, 'r')
    try {
      const bytes = Buffer.alloc(count)
      return bytes.toString('latin1', 0, readSync(file, bytes, 0, count, Math.max(0, sizeBytes - count)))
    } finally {
      closeSync(file)
    }
  } catch {
    return null
  }
}
