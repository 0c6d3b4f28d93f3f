/** Load over HTTP, from a process of its own: `wrk` where it is installed, else a small generator of ours. */
import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Load {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Answers that are no 200, and connections that broke. */
  readonly failures: number
  readonly requests: number
}

export interface LoadNeeds {
  readonly port: number
  readonly connections: number
  readonly seconds: number
  /** The processor that it stays on. */
  readonly cpu?: number
}

export class LoadGenerator {
  readonly name: string
  readonly #own: string

  /** @param own the generator that is used where there is no wrk */
  constructor(own: string) {
    this.#own = own
    this.name = spawnSync('wrk', ['-v']).error === undefined ? 'wrk' : 'own generator'
  }

  async run({ port, connections, seconds, cpu }: LoadNeeds): Promise<Load> {
    const url = `http://127.0.0.1:${port}/`
    const command =
      this.name === 'wrk'
        ? ['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--latency', url]
        : [process.execPath, this.#own, String(port), String(connections), String(seconds)]
    const [program = '', ...args] = cpu === undefined ? command : ['taskset', '-c', String(cpu), ...command]
    const { stdout } = await run(program, args, { timeout: (seconds + 30) * 1_000 })
    return this.name === 'wrk' ? readWrk(stdout) : (JSON.parse(stdout) as Load)
  }
}

const unitMs: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000, m: 60_000 }

/** Exported for its test: wrk prints for people. */
export function readWrk(text: string): Load {
  const numberOf = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0)
  const latency = (share: number): number => {
    const match = new RegExp(`^\\s+${share}%\\s+([\\d.]+)(us|ms|s|m)\\s*$`, 'm').exec(text)
    return match === null ? Number.NaN : Number(match[1]) * (unitMs[match[2] ?? ''] ?? Number.NaN)
  }
  const broken = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text) ?? []
  return {
    perSecond: numberOf(/^Requests\/sec:\s+([\d.]+)/m),
    p50Ms: latency(50),
    p99Ms: latency(99),
    failures:
      numberOf(/Non-2xx or 3xx responses: (\d+)/) +
      broken.slice(1).reduce((sum, count) => sum + Number(count), 0),
    requests: numberOf(/(\d+) requests in/),
  }
}
