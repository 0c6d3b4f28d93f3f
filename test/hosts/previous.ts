/** The program as it was before, built from the repository's history, for a node of it beside those of today. */
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { finish, mustFinish } from '../foreign/index.ts'

export interface PreviousProgram {
  readonly commit: string
  /** Its built program. */
  readonly program: string
}

/** Where no tag says what the last release was: before messages, shared stores and events that must not be lost. */
const lastOfBefore = '6b2810899c8d'
const gitMs = 30_000
const buildMs = 240_000

/**
 * @param ref of git; null takes the newest tag behind this commit, or the one named above
 * @returns a line that says why there is none, in place of it
 */
export async function previousProgram(
  root: string,
  ref: string | null,
  say: (text: string) => void,
): Promise<PreviousProgram | string> {
  const git = (...args: string[]) => finish('git', ['-C', root, ...args], gitMs)
  const tag = await git('describe', '--tags', '--abbrev=0', 'HEAD^')
  const wanted = ref ?? (tag.code === 0 ? tag.stdout.trim() : lastOfBefore)
  const found = await git('rev-parse', '--verify', '--quiet', `${wanted}^{commit}`)
  if (found.code !== 0) {
    return ref === null
      ? `this checkout has no history with the version before (${wanted}): fetch it, or name one with --previous REF`
      : `there is no commit ${ref} in this checkout: fetch it, or name another one with --previous REF`
  }
  const commit = found.stdout.trim()
  const folder = join(root, 'build/hosts/previous', commit.slice(0, 12))
  const program = join(folder, 'dist/selvedge.mjs')
  if (!existsSync(program)) {
    say(`building ${commit.slice(0, 12)}, the version before …`)
    await build(root, commit, folder)
  }
  return { commit, program }
}

async function build(root: string, commit: string, folder: string): Promise<void> {
  const work = `${folder}.${process.pid}`
  await mkdir(work, { recursive: true })
  try {
    const archive = `${work}/tree.tar`
    await mustFinish('git', ['-C', root, 'archive', '--format=tar', '-o', archive, commit], gitMs)
    await mustFinish('tar', ['xf', archive, '-C', work], gitMs)
    await rm(archive)
    // Its sources with the packages of today: a lockfile of before may name what no registry has any more.
    await symlink(join(root, 'node_modules'), join(work, 'node_modules'))
    await mustFinish(process.execPath, ['scripts/bundle.mjs'], buildMs, { cwd: work })
    // A program of its own, which does not look for packages.
    for (const name of await readdir(work)) {
      if (name !== 'dist') await rm(join(work, name), { recursive: true, force: true })
    }
    await rename(work, folder)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
