/** The file with further words for `up`: an invite is in it, so only its owner may read it. */
import { ownMark, type ServiceFile } from './contract.ts'
import { serviceProblems } from './problems.ts'

const needsQuotes = /[\s"\\$`]/

/** @throws ERR_SERVICE_WORD for a word that no such file can hold */
export function wordsFile(path: string, words: readonly string[]): ServiceFile {
  if (words.some((word) => needsQuotes.test(word)))
    throw serviceProblems.error(
      'ERR_SERVICE_WORD',
      'a word for `up` has a character that means something there',
    )
  const text = wordsText(`Written by \`${ownMark}\`.`, words)
  return {
    path,
    mode: 0o600,
    text,
    isKept: words.length === 0,
    merged: (there) => withWords(there, words, path),
  }
}

/** Read by systemd as an environment file, by OpenRC as a shell script. */
export function wordsText(head: string, words: readonly string[]): string {
  return [
    `# ${head}`,
    '# Further words for `selvedge up`, for example: SELVEDGE_UP="--join TOKEN --group lobby"',
    '# A token is used once; what stays here afterwards does nothing.',
    assignment(words),
    '',
  ].join('\n')
}

const assigned = /^[ \t]*(?:export[ \t]+)?SELVEDGE_UP=.*$/gm
/** One that means the same to systemd and to a shell. */
const plainly = /^[ \t]*(?:export[ \t]+)?SELVEDGE_UP=(?:"([^"\\$`]*)"|'([^'\\]*)'|([\w.:~+/@=-]*))[ \t]*$/

/**
 * A person's file with `words` in it: theirs stay, but for the same options.
 * @throws ERR_SERVICE_WORD where it cannot be seen what theirs are
 */
function withWords(there: string, words: readonly string[], path: string): string {
  const lines = there.match(assigned) ?? []
  const [line] = lines
  if (line === undefined) return `${there.replace(/\n?$/, '\n')}${assignment(words)}\n`
  const found = plainly.exec(line)
  if (lines.length > 1 || found === null) {
    throw serviceProblems.error(
      'ERR_SERVICE_WORD',
      `${path} sets SELVEDGE_UP in a way that only you can change`,
      {
        hint: 'add `--join TOKEN` there by hand, then run `selvedge service install` without it',
      },
    )
  }
  const theirs = (found[1] ?? found[2] ?? found[3] ?? '').split(/\s+/).filter((word) => word !== '')
  const kept = withoutOptions(
    theirs,
    words.filter((word) => word.startsWith('--')),
  )
  return there.replace(assigned, () => assignment([...kept, ...words]))
}

/** Each of these options is followed by its value. */
function withoutOptions(words: readonly string[], options: readonly string[]): string[] {
  return words.filter((word, at) => {
    const isValue = options.includes(words[at - 1] ?? '')
    return !isValue && !options.some((option) => word === option || word.startsWith(`${option}=`))
  })
}

function assignment(words: readonly string[]): string {
  return `SELVEDGE_UP="${words.join(' ')}"`
}
