/** The same commit, built in another folder, gives the same bytes. */
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { mustTell, type Trial } from './trial.ts'

function sums(folder: string): string {
  return readFileSync(join(folder, 'build/package/SHA256SUMS'), 'utf8')
}

export const secondBuild: Trial = {
  name: 'a build in another folder gives the same bytes',
  lacks: () => null,
  async run({ root, scratch }) {
    const copy = join(scratch, 'elsewhere')
    const files = mustTell(['git', '-C', root, 'ls-files', '--cached', '--others', '--exclude-standard'])
    // One that was removed and not committed is listed too.
    for (const name of files.split('\n').filter((line) => line !== '' && existsSync(join(root, line)))) {
      mkdirSync(dirname(join(copy, name)), { recursive: true })
      cpSync(join(root, name), join(copy, name))
    }
    // Links to the same files where the disk can, as there are tens of thousands.
    mustTell([
      'sh',
      '-c',
      `cp -al "$1/node_modules" "$2/" 2>/dev/null || cp -a "$1/node_modules" "$2/"`,
      'sh',
      root,
      copy,
    ])
    mustTell([process.execPath, 'scripts/package.mjs'], { cwd: copy })
    if (sums(copy) !== sums(root)) throw new Error(`here:\n${sums(root)}elsewhere:\n${sums(copy)}`)
  },
}
