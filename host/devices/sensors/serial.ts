/**
 * A sensor that writes lines to a serial line: an Arduino, a meter's optical head, a USB dongle.
 *
 * `stty` sets the line up; it is read by the event loop and not by one of the few threads that files share, which a
 * silent line would hold for ever. Where the device is pulled out, reading ends, and the line is opened again later.
 */
import { constants, open, close } from 'node:fs'
import { join } from 'node:path'
import { isatty, ReadStream } from 'node:tty'
import { promisify } from 'node:util'
import * as v from 'valibot'
import { type Cancel, within } from '../../../core/index.ts'
import { refused, unavailable, type Advice } from '../advice.ts'
import { shown } from '../attribute.ts'
import type { DriverContext, Reading, Sensor, SensorDriver } from '../contract.ts'
import { LineCutter } from '../line-cutter.ts'
import { devicePath, finite, unitField } from '../options.ts'
import { complaint, findProgram, runProgram } from '../program.ts'
import { valueIn, type LineRule } from './line-value.ts'

const speeds = [
  1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600,
] as const

const options = v.strictObject({
  /** As `/dev/serial/by-id/usb-…`, which stays the same whichever socket it is put into. */
  path: devicePath,
  baud: v.optional(v.picklist(speeds), 9_600),
  parity: v.optional(v.picklist(['none', 'even', 'odd']), 'none'),
  unit: unitField,
  /** A regular expression; its first group is the number. Lines that it does not fit are passed over. */
  pattern: v.optional(
    v.pipe(v.string(), v.maxLength(256), v.check(isPattern, 'is no regular expression that can be read')),
  ),
  /** A place in lines that are JSON, as `/temperature`. */
  pointer: v.optional(
    v.pipe(
      v.string(),
      v.maxLength(256),
      v.regex(/^(?:\/[^/]*)+$/, 'is no JSON pointer; write as "/temperature"'),
    ),
  ),
  resolution: v.optional(v.pipe(finite, v.gtValue(0))),
})

type Options = v.InferOutput<typeof options>

const sttyTimeoutMs = 3_000
/** Characters of one line; a device that writes no ends must not fill the memory. */
const maxLineChars = 1_024
/** A value that is older than this is not given as a reading: the next is waited for. */
const freshMs = 10_000
const waitMs = 5_000

const advice: Advice = {
  group: 'dialout',
  missing: 'see whether it is plugged in: `ls /dev/serial/by-id` shows the lines there are',
}

export const serialSensor: SensorDriver<Options> = {
  kind: 'serial',
  summary: 'a sensor that writes lines to a serial line',
  speaks: true,
  options,
  async open(name, wanted, context): Promise<Sensor> {
    const stream = await openLine(wanted, context)
    return new SerialSensor(name, wanted, stream, context)
  },
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text).source.length > 0
  } catch {
    return false
  }
}

/** @throws ERR_DEVICE_UNAVAILABLE */
async function openLine({ path, baud, parity }: Options, { root }: DriverContext): Promise<ReadStream> {
  const file = join(root, path)
  const stty = await findProgram(root, 'stty', 'run `sudo apt install coreutils`')
  const fd = await promisify(open)(
    file,
    constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK,
  ).catch((cause: unknown) => {
    throw unavailable(path, cause, advice)
  })
  try {
    if (!isatty(fd)) throw refused(`${path} is no serial line`, advice.missing)
    const bits = { none: ['-parenb'], even: ['parenb', '-parodd'], odd: ['parenb', 'parodd'] }[parity]
    const settings = ['raw', '-echo', 'clocal', '-crtscts', 'cs8', '-cstopb', ...bits]
    const ran = await runProgram(stty, ['-F', file, String(baud), ...settings], sttyTimeoutMs)
    if (ran.code !== 0) throw refused(`${path}: ${complaint(ran)}`, advice.missing)
    return new ReadStream(fd)
  } catch (error) {
    await promisify(close)(fd).catch(() => {})
    throw error
  }
}

class SerialSensor implements Sensor {
  readonly name: string
  readonly driver = 'serial'
  readonly unit: string
  readonly range = null
  readonly resolution: number | null
  readonly #path: string
  readonly #rule: LineRule
  readonly #stream: ReadStream
  readonly #context: DriverContext
  readonly #lines = new LineCutter(maxLineChars)
  readonly #listeners = new Set<(reading: Reading) => void>()
  readonly #goneListeners = new Set<(why: string) => void>()
  #last: { readonly reading: Reading; readonly atMs: number } | null = null
  /** Why there is nothing more to come. */
  #gone: string | null = null
  #passedOver = 0
  #lastLine = ''

  constructor(
    name: string,
    { path, unit, pattern, pointer, resolution }: Options,
    stream: ReadStream,
    context: DriverContext,
  ) {
    this.name = name
    this.unit = unit
    this.resolution = resolution ?? null
    this.#path = path
    this.#rule = { pattern: pattern === undefined ? null : new RegExp(pattern), pointer: pointer ?? null }
    this.#stream = stream
    this.#context = context
    stream.on('data', (bytes: Buffer) => this.#take(bytes))
    stream.once('error', (error) => this.#end(error.message))
    stream.once('end', () => this.#end('it was hung up'))
    stream.once('close', () => this.#end('it was hung up'))
  }

  async read(signal?: AbortSignal): Promise<Reading> {
    signal?.throwIfAborted()
    const { clock } = this.#context
    if (this.#gone !== null) throw this.#goneError(this.#gone)
    if (this.#last !== null && clock.monotonicMs() - this.#last.atMs <= freshMs) return this.#last.reading
    const stop: Cancel[] = []
    const late = (): Error => refused(`${this.#path}: no value in ${waitMs / 1_000} s${this.#heard()}`)
    try {
      return await within({ clock, ms: waitMs, late, ...(signal !== undefined && { signal }) }, () => {
        return new Promise<Reading>((resolve, reject) => {
          stop.push(
            this.watch(resolve),
            this.onGone((why) => reject(this.#goneError(why))),
          )
        })
      })
    } finally {
      for (const cancel of stop) cancel()
    }
  }

  watch(listener: (reading: Reading) => void): Cancel {
    const told = (reading: Reading): void => listener(reading)
    this.#listeners.add(told)
    return () => void this.#listeners.delete(told)
  }

  onGone(listener: (why: string) => void): Cancel {
    const told = (why: string): void => listener(why)
    this.#goneListeners.add(told)
    return () => void this.#goneListeners.delete(told)
  }

  async close(): Promise<void> {
    this.#listeners.clear()
    this.#goneListeners.clear()
    this.#gone ??= 'it was closed'
    this.#stream.destroy()
  }

  #take(bytes: Buffer): void {
    for (const line of this.#lines.add(bytes)) {
      const value = valueIn(line, this.#rule)
      if (value === null) {
        this.#passedOver += 1
        this.#lastLine = line
        continue
      }
      const reading = { value, unit: this.unit, timeMs: this.#context.clock.now() }
      this.#last = { reading, atMs: this.#context.clock.monotonicMs() }
      for (const listener of this.#listeners) listener(reading)
    }
  }

  #end(why: string): void {
    if (this.#gone !== null) return
    this.#gone = why
    this.#stream.destroy()
    for (const listener of this.#goneListeners) listener(why)
  }

  #goneError(why: string): Error {
    return refused(`${this.#path}: ${why}`, advice.missing)
  }

  /** What came instead, for a person whose pattern does not fit. */
  #heard(): string {
    const { dropped } = this.#lines
    if (this.#passedOver > 0)
      return `; ${this.#passedOver} lines were something else, the last ${shown(this.#lastLine)}`
    return dropped > 0 ? `; ${dropped} lines had more than ${maxLineChars} characters` : ''
  }
}
