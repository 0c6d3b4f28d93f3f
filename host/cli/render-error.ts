/** An error as a person sees it: what happened, then what to do. */
import { isSelvedgeError, messageOf, wholeStart } from '../../core/index.ts'
import { paintFor } from './paint.ts'
import { adviceText, plain } from './text.ts'

/** Of a line: what somebody typed or sent stands in it, however long that was. */
const lineChars = 4_000

function shortened(line: string): string {
  const text = plain(wholeStart(line, lineChars))
  return line.length > lineChars ? `${text}…` : text
}

/** `error[CODE]: what happened`, then `hint: what to do`. */
export function renderError(error: unknown, colour: boolean): string {
  const paint = paintFor(colour)
  if (!isSelvedgeError(error)) {
    const where = error instanceof Error ? (error.stack ?? '').split('\n').slice(1, 4).join('\n') : ''
    return [
      `${paint.red('error[ERR_INTERNAL]')}: ${plain(messageOf(error))}`,
      ...(where === '' ? [] : [where]),
      `${paint.cyan('hint')}: this is a fault of selvedge; please report it with these lines`,
      '',
    ].join('\n')
  }
  // A message may have several lines of its own, as a list of what is missing does.
  const message = error.message.split('\n').map(shortened).join('\n')
  // What follows the first line is indented, so that nothing in it looks like a line of ours.
  const hint = adviceText(error.hint).replaceAll('\n', '\n  ')
  return `${paint.red(`error[${error.code}]`)}: ${message}\n${paint.cyan('hint')}: ${hint}\n`
}
