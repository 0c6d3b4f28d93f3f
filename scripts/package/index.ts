/** Packs what scripts/package.mjs has built, says what is in it, and refuses what should not be. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { version } from '../../host/version.ts'
import { tarball } from './archive.ts'
import { debianPackage, debianVersion } from './debian.ts'
import type { PackageFile } from './package-file.ts'
import { scan } from './scan.ts'
import { thirdParty, type Metafile } from './third-party.ts'
import { packageTree } from './tree.ts'
import { tryPackages } from './trials/index.ts'

/** What the issue asks for; beyond it the build says so and fails. */
const mostPackedBytes = 5_000_000
const mostInstalledBytes = 20_000_000

interface Artefact {
  readonly file: string
  readonly bytes: number
  readonly installedBytes: number
  readonly sha256: string
}

export async function main({ root, args }: { root: string; args: string[] }): Promise<void> {
  const out = join(root, 'build/package')
  const metafile = JSON.parse(readFileSync(join(out, 'bundle.json'), 'utf8')) as Metafile
  const licences = thirdParty(root, metafile)
  const tree = packageTree(root, join(out, 'dist'), licences.text)
  const faults = scan(tree, readFileSync(join(root, 'core/compat.ts'), 'utf8'))
  if (faults.length > 0) throw new Error(`the bundle has what it must not have:\n  ${faults.join('\n  ')}`)
  const deb = debianPackage(root, tree, version)
  const artefacts = [
    await save(out, `selvedge-${version}.tgz`, tarball(tree, `selvedge-${version}/`), sizeOf(tree)),
    await save(out, `selvedge_${debianVersion(version)}_all.deb`, deb.bytes, deb.installedBytes),
  ]
  await mkdir(out, { recursive: true })
  const sums = artefacts.map(({ file, sha256 }) => `${sha256}  ${file}\n`).join('')
  await writeFile(join(out, 'SHA256SUMS'), sums)
  const large = [...tree].sort((a, b) => b.bytes.length - a.bytes.length).slice(0, 5)
  if (args.includes('--json')) console.log(JSON.stringify(report(artefacts, tree, large)))
  else {
    for (const { file, bytes, installedBytes, sha256 } of artefacts) {
      console.log(
        `${megabytes(bytes)}  build/package/${file}\n         installed ${megabytes(installedBytes)}`,
      )
      console.log(`         sha256 ${sha256}`)
    }
    console.log(`${tree.length} files, code of ${licences.packages} packages; the five largest:`)
    for (const { name, bytes } of large) console.log(`${megabytes(bytes.length)}  ${name}`)
  }
  const fat = artefacts.find(
    ({ bytes, installedBytes }) => bytes > mostPackedBytes || installedBytes > mostInstalledBytes,
  )
  if (fat !== undefined) {
    throw new Error(
      `${fat.file} is too large: ${megabytes(fat.bytes)}, ${megabytes(fat.installedBytes)} installed; the goal is ` +
        `${megabytes(mostPackedBytes)} and ${megabytes(mostInstalledBytes)}`,
    )
  }
  const [archive = '', debian = ''] = artefacts.map(({ file }) => join(out, file))
  if (args.includes('--check')) await tryPackages(root, { archive, deb: debian, version })
}

async function save(out: string, file: string, bytes: Uint8Array, installedBytes: number): Promise<Artefact> {
  await writeFile(join(out, file), bytes)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { file, bytes: bytes.length, installedBytes, sha256 }
}

function report(artefacts: readonly Artefact[], tree: readonly PackageFile[], large: readonly PackageFile[]) {
  const largest = large.map(({ name, bytes }) => ({ name, bytes: bytes.length }))
  return { schema: 'selvedge.package/1', artefacts, files: tree.length, largest }
}

function sizeOf(files: readonly PackageFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes.length, 0)
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(2)} MB`
}
