/**
 * A program in one script, whose code V8 need not make again at the next start: what was compiled until a moment of the
 * program's choosing is written to a file, and taken from there. With Node.js 18 nothing else keeps it; parsing and
 * compiling were two fifths of a start.
 *
 * Only ever a help: code of another build, Node.js or processor has another name, V8 refuses what was compiled under other
 * flags, and what was damaged does not match its digest. Then the text is compiled, as the first time.
 * It is run as it is, so the folder must be one that nobody else may change (see compile-cache.ts).
 *
 * Part of the starter: built for Node 12.20 and without compat.ts.
 */
import { createHash } from 'node:crypto'
import {
  closeSync,
  fstatSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { cachedDataVersionTag, setFlagsFromString } from 'node:v8'
import { Script } from 'node:vm'
import { capMemories, memoryCapBytes } from '../core/addresses.ts'
import { engineFlags } from '../core/engine-flags.ts'

export interface KeptScript {
  /** What it exports. */
  readonly exports: unknown
  /**
   * Writes down what was compiled until now, where that is of use; takes the process 50 ms and more.
   * @returns false where it is to be asked again later: a thread has V8 compile otherwise for a while (glue-compiler.ts),
   * and the next start would refuse what is written down now
   */
  keep(): boolean
}

const digestBytes = 32
const suffix = '.code'
/** What it finds around it, as any CommonJS module and one thing more. */
const given = 'exports,require,module,__filename,__dirname,__import'
/** Of other versions of Node.js, or builds before this one, that take turns on one machine. */
const othersKept = 2

/**
 * Runs a CommonJS module.
 * @param file in ASCII; its last line is its own, such as the mark of its build
 * @param folder where code is kept; null where there is no place for it
 * @param load what `__import()` in it does: such a script has no `import()` of its own
 */
export function runKept(
  file: string,
  folder: string | null,
  load: (specifier: string) => Promise<unknown>,
): KeptScript {
  // As core/compat.ts and addresses.ts do, and before them: V8 takes no code that was written down under other flags.
  for (const flag of engineFlags(process.arch, Number.parseInt(process.versions.node, 10), process.execArgv))
    setFlagsFromString(flag)
  capMemories(memoryCapBytes())
  const flags = cachedDataVersionTag()
  const text = readFileSync(file, 'latin1')
  const mark = createHash('sha256').update(text.slice(-200)).digest('hex').slice(0, 16)
  const name = `${mark}-${process.version}-${process.arch}${suffix}`
  const kept = folder === null ? null : readKept(join(folder, name))
  const script = new Script(`(function(${given}){${text}\n})`, {
    filename: file,
    ...(kept !== null && { cachedData: kept }),
  })
  const isKept = kept !== null && script.cachedDataRejected !== true
  const module = { exports: {} }
  const run = script.runInThisContext() as (...args: unknown[]) => void
  run(module.exports, createRequire(file), module, file, dirname(file), load)
  return {
    exports: module.exports,
    keep() {
      if (folder === null || isKept) return true
      if (cachedDataVersionTag() !== flags) return false
      try {
        const code = script.createCachedData()
        // The flags are the whole process's: they may have changed meanwhile.
        if (cachedDataVersionTag() !== flags) return false
        write(folder, name, code)
      } catch {
        // A read-only disk, or a full one: the next start is as slow as this one.
      }
      return true
    },
  }
}

function readKept(path: string): Buffer | null {
  try {
    const bytes = readOwn(path)
    if (bytes === null) return null
    const code = bytes.subarray(digestBytes)
    return digestOf(code).equals(bytes.subarray(0, digestBytes)) ? code : null
  } catch {
    return null
  }
}

/** @returns null for what somebody else has made or may change; asked of the open file, which nothing can take the place of */
function readOwn(path: string): Buffer | null {
  const othersMayWrite = 0o022
  const file = openSync(path, 'r')
  try {
    const { uid, mode } = fstatSync(file)
    const own = process.getuid === undefined ? uid : process.getuid()
    return uid === own && (mode & othersMayWrite) === 0 ? readFileSync(file) : null
  } finally {
    closeSync(file)
  }
}

/** Whole or not at all, as far as a reader can tell; a power cut may leave what does not match its digest. */
function write(folder: string, name: string, code: Buffer): void {
  const draft = join(folder, `${name}.${process.pid}`)
  try {
    const file = openSync(draft, 'wx', 0o600)
    try {
      for (const part of [digestOf(code), code])
        for (let at = 0; at < part.length;) at += writeSync(file, part, at)
    } finally {
      closeSync(file)
    }
    renameSync(draft, join(folder, name))
  } catch (error) {
    remove(draft)
    throw error
  }
  const names = readdirSync(folder)
  // Of a process that ended before its draft was whole.
  for (const other of names) if (other.includes(`${suffix}.`)) remove(join(folder, other))
  const others = names
    .filter((other) => other.endsWith(suffix) && other !== name)
    .map((other) => ({ path: join(folder, other), writtenMs: statSync(join(folder, other)).mtimeMs }))
    .sort((one, another) => another.writtenMs - one.writtenMs)
  for (const { path } of others.slice(othersKept)) remove(path)
}

function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // It is gone already, or stays.
  }
}

function digestOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}
