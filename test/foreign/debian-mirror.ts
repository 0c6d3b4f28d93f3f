/** Where this machine takes Debian packages from; foreign architectures are fetched there too. */
import { existsSync } from 'node:fs'
import { finish } from './finish.ts'

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
const askMs = 30_000

/**
 * @returns the address apt has for Debian itself, or SELVEDGE_DEBIAN_MIRROR where that is set
 * @throws where this is no Debian
 */
export async function debianMirror(): Promise<string> {
  const given = process.env['SELVEDGE_DEBIAN_MIRROR']
  if (given !== undefined && given !== '') return given
  const { stdout, stderr } = await finish(
    'apt-get',
    ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages'],
    askMs,
  )
  const found = stdout.split('\n').find((line) => /\/debian\/?$/.test(line))
  if (found !== undefined) return found
  throw new Error(
    `apt knows no mirror of Debian${stderr === '' ? '' : ` (${stderr.trim().slice(0, 300)})`}; ` +
      'name one: SELVEDGE_DEBIAN_MIRROR=http://…/debian',
  )
}

/** The keys of Debian's archive; null leaves it to those that apt trusts. */
export function debianKeyring(): string | null {
  return existsSync(keyring) ? keyring : null
}
