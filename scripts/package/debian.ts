/**
 * The Debian package: the same program, with what makes it a service of a Debian machine. Written without Debian's tools,
 * so that it is the same on whatever machine it is made.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sampleConfig, systemdUnit, wordsText, type ServiceOrder } from '../../host/service/index.ts'
import { ar, packed, tarball } from './archive.ts'
import { byName, textFile, type PackageFile } from './package-file.ts'

const lib = 'usr/lib/selvedge'
const doc = 'usr/share/doc/selvedge'
const conffiles = ['etc/default/selvedge', 'etc/selvedge/node.toml']

const order: ServiceOrder = {
  scope: 'system',
  settings: '/etc',
  node: '/usr/bin/node',
  program: `/${lib}/dist/selvedge.mjs`,
  config: '/etc/selvedge/node.toml',
  data: '/var/lib/selvedge',
  keys: '/var/lib/selvedge/keys',
  user: 'selvedge',
  words: [],
}

/** A version as Debian orders them: what comes before a release has a tilde. */
export function debianVersion(version: string): string {
  return version.replace('-', '~')
}

export interface DebianPackage {
  readonly bytes: Uint8Array
  /** Of the files that it installs. */
  readonly installedBytes: number
}

/** @param tree the files of the archive; @param root the checkout */
export function debianPackage(root: string, tree: readonly PackageFile[], version: string): DebianPackage {
  const script = (name: string): string => readFileSync(join(root, 'scripts/package/debian', name), 'utf8')
  const files = byName([...tree.flatMap(placed), ...own(root, script)])
  const installedBytes = files.reduce((sum, { bytes }) => sum + bytes.length, 0)
  const sums = files
    .filter(({ name }) => !conffiles.includes(name))
    .map(({ name, bytes }) => {
      return `${createHash('md5').update(bytes).digest('hex')}  ${name}\n`
    })
  const control = [
    textFile('control', controlText(version, installedBytes)),
    textFile('conffiles', conffiles.map((name) => `/${name}\n`).join('')),
    textFile('md5sums', sums.join('')),
    ...['postinst', 'prerm', 'postrm'].map((name) => textFile(name, script(name), 0o755)),
  ]
  const bytes = ar([
    textFile('debian-binary', '2.0\n'),
    { name: 'control.tar.gz', bytes: tarball(control, './') },
    { name: 'data.tar.gz', bytes: tarball(files, './') },
  ])
  return { bytes, installedBytes }
}

/** Where a file of the archive goes to on a Debian machine. */
function placed(file: PackageFile): PackageFile[] {
  const { name } = file
  const to = (path: string): PackageFile[] => [{ ...file, name: path }]
  const zipped = (path: string): PackageFile[] => [{ name: path, bytes: packed(file.bytes) }]
  if (/^(dist|wit)\//.test(name) || name === 'package.json') return to(`${lib}/${name}`)
  if (name === 'man/selvedge.1') return zipped('usr/share/man/man1/selvedge.1.gz')
  if (name === 'completions/selvedge.bash') return to('usr/share/bash-completion/completions/selvedge')
  if (name === 'completions/selvedge.zsh') return to('usr/share/zsh/vendor-completions/_selvedge')
  if (name === 'completions/selvedge.fish') return to('usr/share/fish/vendor_completions.d/selvedge.fish')
  if (name === 'CHANGELOG.md') return zipped(`${doc}/changelog.gz`)
  if (name === 'THIRD-PARTY.txt') return zipped(`${doc}/THIRD-PARTY.txt.gz`)
  if (name === 'README.md') return to(`${doc}/README.md`)
  if (name.startsWith('docs/')) return to(`${doc}/${name}`)
  // The start beside dist/ is for who unpacks the archive by hand, the licence is in copyright.
  return []
}

function own(root: string, script: (name: string) => string): PackageFile[] {
  const head = [
    'Of the Debian package. Changes belong into a drop-in: systemctl edit selvedge',
    'Settings: /etc/selvedge/node.toml. To join a mesh: /etc/default/selvedge.',
  ]
  const unit = systemdUnit(order, { head, environmentFile: '/etc/default/selvedge' })
  return [
    textFile('usr/bin/selvedge', script('selvedge'), 0o755),
    textFile('usr/lib/systemd/system/selvedge.service', unit),
    textFile('etc/selvedge/node.toml', sampleConfig),
    // A token lets a node in, once: nobody else is to read it.
    textFile('etc/default/selvedge', wordsText('Read by the selvedge service.', []), 0o600),
    textFile(`${doc}/copyright`, copyright(readFileSync(join(root, 'LICENSE'), 'utf8'))),
  ]
}

function copyright(licence: string): string {
  const text = licence
    .trimEnd()
    .split('\n')
    .map((line) => (line.trim() === '' ? ' .' : ` ${line.trimEnd()}`))
  return [
    'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/',
    'Upstream-Name: selvedge',
    'Comment: Licences of the packages that the program contains are in THIRD-PARTY.txt.gz.',
    '',
    'Files: *',
    'Copyright: The Selvedge authors',
    'License: Apache-2.0',
    ...text,
    '',
  ].join('\n')
}

function controlText(version: string, installedBytes: number): string {
  return [
    'Package: selvedge',
    `Version: ${debianVersion(version)}`,
    'Architecture: all',
    'Maintainer: The Selvedge authors <noreply@selvedge.invalid>',
    `Installed-Size: ${Math.ceil(installedBytes / 1024)}`,
    'Depends: nodejs (>= 18.20), passwd',
    'Suggests: gpiod, i2c-tools',
    'Section: net',
    'Priority: optional',
    'Description: WebAssembly-first edge runtime with a peer mesh',
    ' Every device runs one node. Nodes host sandboxed WASI components that reach',
    ' sensors, pins and storage through interfaces that they were granted, watch over',
    ' each other by votes, and hand signed code from peer to peer. There is no',
    ' control plane: cut off from everyone, a node keeps doing its job.',
    '',
  ].join('\n')
}
