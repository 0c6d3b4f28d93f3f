/**
 * The lines of docs/Containerfile, run in a folder with Debian's packages: no engine is needed, and none of its
 * isolation is tried.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { debianRoot, lacksDebian, put } from './debian-root.ts'
import { expectText, mustTell, type Trial } from './trial.ts'

interface Recipe {
  readonly adds: readonly [from: string, to: string][]
  readonly runs: readonly string[]
  readonly user: string
  readonly env: readonly string[]
  readonly start: readonly string[]
}

function recipe(text: string): Recipe {
  const lines = text.replace(/\\\n/g, ' ').split('\n')
  const of = (word: string): string[] =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1).trim())
  const words = (word: string): string[] => of(word).flatMap((line) => JSON.parse(line) as string[])
  return {
    adds: of('ADD').map((line) => line.split(/\s+/) as [string, string]),
    runs: of('RUN'),
    user: of('USER')[0] ?? '',
    env: of('ENV').flatMap((line) => line.split(/\s+/)),
    start: [...words('ENTRYPOINT'), ...words('CMD')],
  }
}

export const containerSteps: Trial = {
  name: 'the lines of docs/Containerfile, in a folder',
  lacks: lacksDebian,
  async run({ root, scratch, archive, say }) {
    const { adds, runs, user, env, start } = recipe(readFileSync(join(root, 'docs/Containerfile'), 'utf8'))
    const folder = debianRoot(root, scratch, say)
    for (const [from, to] of adds) {
      if (from !== basename(archive))
        throw new Error(`the recipe adds ${from}, and the archive is ${basename(archive)}`)
      mkdirSync(join(folder, to), { recursive: true })
      mustTell(['tar', 'xzf', archive, '-C', join(folder, to)])
    }
    // What it takes from Debian is in the folder already.
    for (const line of runs.filter((run) => !run.includes('apt-get')))
      mustTell(['chroot', folder, 'sh', '-ec', line])
    const script = [
      'mknod -m 666 /dev/null c 1 3 2>/dev/null; mknod -m 666 /dev/urandom c 1 9 2>/dev/null; mount -t proc proc /proc',
      `su() { setpriv --reuid ${user} --regid ${user} --clear-groups env -i NODE_NO_WARNINGS=1 HOME=/var/lib/selvedge PATH="$PATH" ${env.join(' ')} "$@"; }`,
      `su ${start.join(' ')} & node=$!`,
      'for i in $(seq 100); do su selvedge status >/dev/null 2>&1 && break; sleep 0.2; done',
      'su selvedge status && su selvedge stop; wait $node',
    ].join('\n')
    put(folder, 'root/start', script)
    const own = ['unshare', '--mount', '--pid', '--net', '--fork', '--kill-child']
    expectText('the container', mustTell([...own, 'chroot', folder, 'sh', '/root/start']), /this node/)
  },
}
