/**
 * What a person does about a device that does not open: the group that may touch it, the kernel module that makes
 * it. A driver names both; which of them helps is told by how the system refused.
 */
import { messageOf, type SelvedgeError } from '../../core/index.ts'
import { deviceProblems } from './problems.ts'

export interface Advice {
  /** The group that Debian and its relatives give such devices to: `gpio`, `i2c`, `dialout`. */
  readonly group?: string
  /** Where the kernel shows nothing: the line that makes it do so. */
  readonly missing?: string
}

/** What the system says where hardware is pulled out, or does not answer. */
const goneWords: Readonly<Record<string, string>> = {
  ENODEV: 'the device is gone',
  ENXIO: 'the device is gone',
  EIO: 'the device does not answer (input/output error)',
  EREMOTEIO: 'the device does not answer (remote input/output error)',
  ETIMEDOUT: 'the device did not answer in time',
  EBUSY: 'somebody else uses it',
  EAGAIN: 'the device has no value yet',
  ENODATA: 'the device has no value',
}

/**
 * The error that a person, an app and `status` see of a failed call to the system.
 * @param what the file or the step, `/sys/class/gpio/export`
 */
export function unavailable(what: string, cause: unknown, advice: Advice = {}): SelvedgeError {
  const code = codeOf(cause)
  const hint = hintFor(code, what, advice)
  return deviceProblems.error('ERR_DEVICE_UNAVAILABLE', `${what}: ${wordsFor(code, cause)}`, {
    cause,
    ...(hint !== null && { hint }),
  })
}

/** The same where the system did as asked, and what it said makes no sense or names nothing. */
export function refused(message: string, hint?: string): SelvedgeError {
  return deviceProblems.error('ERR_DEVICE_UNAVAILABLE', message, hint === undefined ? {} : { hint })
}

/** For a write to an input. */
export function readOnly(name: string): SelvedgeError {
  return deviceProblems.error('ERR_DEVICE_READ_ONLY', `the pin ${name} is an input`)
}

function wordsFor(code: string, cause: unknown): string {
  if (code === 'EACCES' || code === 'EPERM') return 'this user may not use it'
  if (code === 'ENOENT') return 'it is not there'
  return goneWords[code] ?? messageOf(cause)
}

function hintFor(code: string, what: string, { group, missing }: Advice): string | null {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return group === undefined
        ? `let the user that runs the node read ${what}, with a udev rule or a group`
        : `run \`sudo usermod -aG ${group} USER\` with the user that runs the node, and start it again from a new login`
    case 'ENOENT':
    case 'ENODEV':
    case 'ENXIO':
      return missing ?? null
    case 'EBUSY':
      return 'see who has it (`gpioinfo`, `lsof`), end that program or take its module away, or use another line'
    default:
      return null
  }
}

export function codeOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null)?.code
  return typeof code === 'string' ? code : ''
}
