/**
 * How many linear memories the addresses of this process hold. With V8's trap handler each memory takes ten gigabytes of
 * them, whatever its size, so that no access needs a check: 13,000 fit on most machines, 50 where addresses have 39 bits
 * (Raspberry Pi), and none where the process is bounded (`ulimit -v`, `LimitAS=`). Without it a memory takes what it may grow
 * to, or all that is left: the next thread then ends the process, as V8 finds no addresses for its code.
 */
import { addressBytes, processText, type AddressText } from '../../core/index.ts'

/** Takes the guard regions away, at a few percent of speed. */
const withoutTrapHandler = '--disable-wasm-trap-handler'

const gib = 1024 ** 3
/** Left to the program, its threads, and V8's own spaces, which reserve before they use. */
const marginBytes = 2 * gib
/** Where fewer memories fit, processes of our own are started without guard regions. */
const plenty = 1_000

/** What /proc says of a process; null where there is none. */
export interface ProcessText extends AddressText {
  readonly status: string | null
}

export function readProcessText(): ProcessText {
  return { limits: processText('limits'), maps: processText('maps'), status: processText('status') }
}

/** Addresses in use. */
function usedBytes({ status }: Pick<ProcessText, 'status'>): number {
  return Number(/^VmSize:\s+(\d+) kB/m.exec(status ?? '')?.[1] ?? 0) * 1_024
}

/** What one memory of a page takes here, found by making one; Infinity where it cannot even be made. */
function memoryCost(read: () => ProcessText): number {
  const before = usedBytes(read())
  try {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 2 })
    const cost = usedBytes(read()) - before
    return memory.buffer.byteLength > 0 ? Math.max(0, cost) : 0
  } catch {
    return Infinity
  }
}

/**
 * @returns how many more memories fit into this process; Infinity where they take no more addresses than bytes
 * @param read for tests
 */
export function memoriesThatFit(read: () => ProcessText = readProcessText, cost = memoryCost(read)): number {
  const text = read()
  const bytes = addressBytes(text)
  if (cost < gib || bytes === Infinity) return Infinity
  return Math.max(0, Math.floor((bytes - usedBytes(text) - marginBytes) / cost))
}

/** Flags for a process of ours that has WebAssembly to run, where addresses are short and this Node.js knows the flag. */
export function addressFlags(
  text: ProcessText = readProcessText(),
  known: ReadonlySet<string> = process.allowedNodeEnvironmentFlags,
): readonly string[] {
  const isShort = addressBytes(text) < plenty * 10 * gib
  return isShort && known.has(withoutTrapHandler) ? [withoutTrapHandler] : []
}
