/**
 * A line of /sys/class/gpio: the number that the kernel gives it, and the folder that it gets.
 *
 * Numbers are not to be relied on: kernels from 6.6 on begin at 512, and chips that come later get what is free. So a
 * line is named by its chip's label and its place on it.
 */
import { constants } from 'node:fs'
import { access, open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { delay, isSelvedgeError } from '../../../core/index.ts'
import { codeOf, refused, unavailable, type Advice } from '../advice.ts'
import {
  listDevices,
  readAttribute,
  readNumber,
  readOptional,
  shown,
  shownNames,
  writeAttribute,
} from '../attribute.ts'
import type { DriverContext } from '../contract.ts'
import type { LineOptions } from './line-options.ts'

export const gpioAdvice: Advice = {
  group: 'gpio',
  missing:
    'this kernel has no /sys/class/gpio (CONFIG_GPIO_SYSFS), or no driver for the chip: write ' +
    '`driver = "gpiochip"`, which needs neither',
}

/** For as long as udev takes to give a new line to the group. */
const settleMs = 1_000
const settleStepMs = 50

/**
 * @param chip label or name of a chip
 * @returns the number of its line in sysfs
 * @throws ERR_DEVICE_UNAVAILABLE
 */
export async function sysfsNumber(
  { chip, line }: Pick<LineOptions, 'chip' | 'line'>,
  { root }: Pick<DriverContext, 'root'>,
): Promise<number> {
  const folder = join(root, 'sys/class/gpio')
  const entries = await listDevices(folder, /^gpiochip\d+$/, gpioAdvice)
  const labels = await Promise.all(entries.map((entry) => readOptional(join(folder, entry, 'label'))))
  const matching = entries.filter((entry, index) => entry === chip || labels[index] === chip)
  const [found, second] = matching
  if (found === undefined) {
    const known = labels.map((label, index) => label ?? entries[index] ?? '')
    throw refused(
      `no GPIO chip has the label ${chip}; ${shownNames(known)}`,
      'write one of these labels as `chip`',
    )
  }
  if (second !== undefined)
    throw refused(
      `${matching.length} GPIO chips have the label ${chip}; ${shownNames(matching)}`,
      'write one of these, which may change at a start',
    )
  const [base, lines] = await Promise.all(
    ['base', 'ngpio'].map((file) => readNumber(join(folder, found, file), gpioAdvice)),
  )
  if (base === undefined || lines === undefined || line >= lines) {
    throw refused(`the GPIO chip ${chip} has the lines 0 to ${(lines ?? 1) - 1}, and no ${line}`)
  }
  return base + line
}

/** A line of sysfs that was asked for. */
export interface SysfsLine {
  readonly folder: string
  /** False where somebody had asked for it before. */
  readonly isOurs: boolean
}

/** Has the kernel show the line, and waits until it may be written. @throws ERR_DEVICE_UNAVAILABLE */
export async function exportLine(number: number, { clock, root }: DriverContext): Promise<SysfsLine> {
  const gpio = join(root, 'sys/class/gpio')
  const folder = join(gpio, `gpio${number}`)
  const direction = join(folder, 'direction')
  let isOurs = false
  if (!(await exists(folder))) {
    await writeAttribute(join(gpio, 'export'), String(number), gpioAdvice)
    isOurs = true
  }
  const untilMs = clock.monotonicMs() + settleMs
  for (;;) {
    try {
      await readAttribute(direction)
      await access(direction, 2)
      return { folder, isOurs }
    } catch (error) {
      const code = codeOf(isSelvedgeError(error) ? error.cause : error)
      const mayCome = code === 'EACCES' || code === 'ENOENT'
      if (!mayCome || clock.monotonicMs() >= untilMs) {
        // It says which right is missing, or which file.
        await readAttribute(direction, gpioAdvice)
        await writeAttribute(direction, await readAttribute(direction), gpioAdvice)
        return { folder, isOurs }
      }
      await delay(clock, settleStepMs)
    }
  }
}

/** An input, or an output with a level: without a moment of the wrong one. @throws ERR_DEVICE_UNAVAILABLE */
export async function setUpLine(
  folder: string,
  { direction, activeLow, initial }: LineOptions,
): Promise<void> {
  const file = join(folder, 'direction')
  const was = await readAttribute(file, gpioAdvice)
  if ((await readAttribute(join(folder, 'active_low'), gpioAdvice)) !== (activeLow ? '1' : '0')) {
    await writeAttribute(join(folder, 'active_low'), activeLow ? '1' : '0', gpioAdvice)
  }
  if (direction === 'in') {
    if (was !== 'in') await writeAttribute(file, 'in', gpioAdvice)
    return
  }
  // An output that is one already keeps its level: a restart of the node must not switch a pump.
  if (was === 'out' && initial === undefined) return
  // These two are levels of the wire, whatever active_low says.
  await writeAttribute(file, (initial ?? false) === activeLow ? 'low' : 'high', gpioAdvice)
}

export async function readLevel(folder: string): Promise<boolean> {
  const file = join(folder, 'value')
  const text = await readAttribute(file, gpioAdvice)
  if (text !== '0' && text !== '1') throw refused(`${file}: ${shown(text)} is no level`)
  return text === '1'
}

/**
 * The file of an output's level. It is opened once: to open and close it each time would take three times as long as
 * to write. Of a line that is gone the kernel refuses the write.
 */
export class LevelFile {
  readonly #path: string
  #file: Promise<FileHandle> | null = null

  constructor(folder: string) {
    this.#path = join(folder, 'value')
  }

  /** @throws ERR_DEVICE_UNAVAILABLE */
  async write(level: boolean): Promise<void> {
    try {
      this.#file ??= open(this.#path, constants.O_WRONLY | constants.O_NONBLOCK)
      await (await this.#file).write(level ? '1' : '0', 0)
    } catch (cause) {
      await this.close()
      throw unavailable(this.#path, cause, gpioAdvice)
    }
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = null
    await file?.then((opened) => opened.close()).catch(() => {})
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
