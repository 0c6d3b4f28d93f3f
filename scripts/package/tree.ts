/** What is in the package. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { commands } from '../../host/cli/commands.ts'
import { completionScripts, type Shell } from '../../host/cli/completion/scripts.ts'
import { version } from '../../host/version.ts'
import { whyInDist } from './dist-files.ts'
import { packedLinks } from './links.ts'
import { manPage } from './man.ts'
import { byName, textFile, type PackageFile } from './package-file.ts'

const starter = `#!/usr/bin/env node
import './dist/selvedge.mjs'
`

/** Fields of our package.json that mean something to who installs it. */
const fields = ['name', 'version', 'description', 'license', 'type', 'engines', 'keywords'] as const

/**
 * Files of the archive, sorted.
 * @param dist the folder that the build went to
 * @param thirdParty the text of licences
 * @throws for a file in `dist` that nothing explains
 */
export function packageTree(root: string, dist: string, thirdParty: string): PackageFile[] {
  const read = (name: string): string => readFileSync(join(root, name), 'utf8')
  const manifest = JSON.parse(read('package.json')) as Record<string, unknown>
  const shown = {
    ...Object.fromEntries(fields.map((field) => [field, manifest[field]])),
    bin: { selvedge: 'dist/selvedge.mjs' },
  }
  const shells = Object.entries(completionScripts) as [Shell, (typeof completionScripts)[Shell]][]
  const files = [
    textFile('selvedge.mjs', starter, 0o755),
    textFile('package.json', `${JSON.stringify(shown, null, 2)}\n`),
    textFile('LICENSE', read('LICENSE')),
    textFile('THIRD-PARTY.txt', thirdParty),
    textFile('man/selvedge.1', manPage(commands, version)),
    ...shells.map(([shell, script]) => textFile(`completions/selvedge.${shell}`, script(commands))),
    ...distTree(dist),
    ...folder(root, 'wit'),
  ]
  const texts = ['README.md', 'CHANGELOG.md', ...names(root, 'docs').filter((name) => name.endsWith('.md'))]
  const packed = new Set([...files.map(({ name }) => name), ...texts])
  return byName([...files, ...texts.map((name) => textFile(name, packedLinks(read(name), name, packed)))])
}

function distTree(dist: string): PackageFile[] {
  return readdirSync(dist).map((name) => {
    if (whyInDist(name) === null) {
      throw new Error(`dist/${name} has no reason to be in the package; give it a line in dist-files.ts`)
    }
    const mode = name === 'selvedge.mjs' ? 0o755 : 0o644
    return { name: `dist/${name}`, bytes: new Uint8Array(readFileSync(join(dist, name))), mode }
  })
}

function folder(root: string, name: string): PackageFile[] {
  return names(root, name).map((path) => ({
    name: path,
    bytes: new Uint8Array(readFileSync(join(root, path))),
  }))
}

function names(root: string, name: string): string[] {
  return readdirSync(join(root, name), { withFileTypes: true })
    .flatMap((entry) =>
      entry.isDirectory() ? names(root, `${name}/${entry.name}`) : [`${name}/${entry.name}`],
    )
    .sort()
}
