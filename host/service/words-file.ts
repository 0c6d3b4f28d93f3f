/** The file with further words for `up`: an invite is in it, so only its owner may read it. */
import { ownMark, type ServiceFile } from './contract.ts'

const needsQuotes = /["\\$`\n]/

/** @throws RangeError for a word that no such file can hold; whoever asks has checked */
export function wordsFile(path: string, words: readonly string[]): ServiceFile {
  const refused = words.find((word) => needsQuotes.test(word) || /\s/.test(word))
  if (refused !== undefined)
    throw new RangeError('a word for `up` has a character that means something there')
  const text = wordsText(`Written by \`${ownMark}\`.`, words)
  return { path, mode: 0o600, text, isKept: words.length === 0 }
}

/** Read by systemd as an environment file, by OpenRC as a shell script. */
export function wordsText(head: string, words: readonly string[]): string {
  return [
    `# ${head}`,
    '# Further words for `selvedge up`, for example: SELVEDGE_UP="--join TOKEN --group lobby"',
    '# A token is used once; what stays here afterwards does nothing.',
    `SELVEDGE_UP="${words.join(' ')}"`,
    '',
  ].join('\n')
}
