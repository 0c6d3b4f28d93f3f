/** What is packed, from the built dist/: `npm run package -- --check` builds twice and installs. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, posix, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ar, tarball } from '../../scripts/package/archive.ts'
import { debianPackage, debianVersion } from '../../scripts/package/debian.ts'
import { distFiles, whyInDist } from '../../scripts/package/dist-files.ts'
import { textFile, type PackageFile } from '../../scripts/package/package-file.ts'
import { scan } from '../../scripts/package/scan.ts'
import { thirdParty, type Metafile } from '../../scripts/package/third-party.ts'
import { packageTree } from '../../scripts/package/tree.ts'

const root = resolve(import.meta.dirname ?? '.', '../..')
const dist = join(root, 'dist')
const compat = readFileSync(join(root, 'core/compat.ts'), 'utf8')
const metafile = JSON.parse(readFileSync(join(root, 'build/bundle.json'), 'utf8')) as Metafile
const { files: built } = JSON.parse(readFileSync(join(dist, 'build.json'), 'utf8')) as {
  files: Record<string, number>
}

/** What a fresh build would leave: chunks of earlier ones stay in dist/ for a while. */
function freshTree(): PackageFile[] {
  const isFresh = (name: string): boolean => name in built || name === 'build.json'
  return packageTree(root, dist, thirdParty(root, metafile).text).filter(
    ({ name }) => !name.startsWith('dist/') || isFresh(name.slice('dist/'.length)),
  )
}

const tree = freshTree()
const names = new Set(tree.map(({ name }) => name))
const program = (text: string): PackageFile[] => [textFile('dist/program.mjs', text)]

describe('the package', () => {
  it('has every file of dist/ for a reason, and no reason without a file', () => {
    const files = [...Object.keys(built), 'build.json']
    expect(files.filter((name) => whyInDist(name) === null)).toEqual([])
    expect(
      distFiles.filter(({ pattern }) => !files.some((name) => pattern.test(name))).map(({ why }) => why),
    ).toEqual([])
  })

  it('has nothing native, nothing that is looked for beside it, and no name that Node.js 18.20 lacks', () => {
    expect(scan(tree, compat)).toEqual([])
  })

  it('has no link in its texts that leads out of it', () => {
    for (const { name, bytes } of tree.filter((file) => file.name.endsWith('.md'))) {
      const links = [
        ...Buffer.from(bytes)
          .toString('utf8')
          .matchAll(/\]\(([^)#\s]+)/g),
      ].map(([, to = '']) => to)
      const lost = links.filter(
        (to) => !/^[a-z]+:/.test(to) && !names.has(posix.normalize(posix.join(posix.dirname(name), to))),
      )
      expect({ name, lost }).toEqual({ name, lost: [] })
    }
  })

  it('names whose code it contains, each with its licence', () => {
    const { text, packages } = thirdParty(root, metafile)
    expect(packages).toBeGreaterThan(50)
    for (const name of [
      'libp2p',
      '@bytecodealliance/jco-transpile',
      'node-sqlite3-wasm',
      'valibot',
      '@bokuweb/zstd-wasm',
    ])
      expect(text).toMatch(new RegExp(`^  ${name} \\d+\\.\\d+\\.\\d+: \\S`, 'm'))
  })

  it('is a few megabytes', () => {
    expect(tarball(tree, 'selvedge/').length).toBeLessThan(5_000_000)
    expect(tree.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThan(20_000_000)
  })
})

describe('the scan', () => {
  const nativeHeader = new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0])

  it('refuses an addon by its name or by its first bytes', () => {
    expect(scan([textFile('dist/epoll.node', '')], compat)).toEqual(['dist/epoll.node is native code'])
    expect(scan([{ name: 'dist/helper', bytes: nativeHeader }], compat)).toEqual([
      'dist/helper is native code',
    ])
  })

  it('refuses a package that is looked for beside the program, however it is asked for', () => {
    for (const text of [
      'import{Gpio}from"onoff";',
      'import"epoll";',
      'const a=require("better-sqlite3");',
      'await import("cbor-extract");',
    ])
      expect(scan(program(text), compat)).toEqual([expect.stringContaining('which is not in the package')])
    expect(scan(program('require("./build/Release/epoll.node")'), compat)).toEqual([
      expect.stringContaining('loads the addon'),
    ])
    expect(scan(program('import{a}from"node:fs";import"./selvedge-AAAAAAAA.mjs";'), compat)).toEqual([])
  })

  it('refuses a name that Node.js 18.20 lacks, unless compat.ts brings it', () => {
    for (const text of ['list.toSorted()', 'Promise.withResolvers()', 'new CustomEvent("x")']) {
      expect(scan(program(text), compat)).toEqual([])
      expect(scan(program(text), '')).toEqual([expect.stringMatching(/^dist\/program\.mjs: uses .* lacks$/)])
    }
    for (const text of [
      'list.toSpliced(1)',
      'Array.fromAsync(list)',
      'Object.groupBy(list,f)',
      'import{styleText as s}from"node:util";',
      'new Float16Array(1)',
    ])
      expect(scan(program(text), compat)).toHaveLength(1)
  })
})

describe('the archives', () => {
  it('are the same bytes whatever the order and modes of the disk', () => {
    const files = [textFile('b/c.txt', 'c'), textFile('a.txt', 'a'), textFile('b/a.sh', 'x', 0o755)]
    expect(Buffer.from(tarball(files.toReversed(), 'top/')).equals(Buffer.from(tarball(files, 'top/')))).toBe(
      true,
    )
    const text = gunzipSync(tarball(files, 'top/'))
    const at = (index: number): string => text.toString('latin1', index * 512, index * 512 + 6)
    expect([at(0), at(1)]).toEqual(['top/\0\0', 'top/a.'])
  })

  it('hold a file with a long name', () => {
    const name = `${'folder/'.repeat(20)}file.txt`
    const folder = scratch()
    writeFileSync(join(folder, 'a.tgz'), tarball([textFile(name, 'far down')], 'top/'))
    expect(spawnSync('tar', ['xzf', 'a.tgz'], { cwd: folder }).status).toBe(0)
    expect(readFileSync(join(folder, 'top', name), 'utf8')).toBe('far down')
  })

  it('have members of an odd size at an even place, as ar(5) wants it', () => {
    const bytes = ar([textFile('a', 'odd'), textFile('b', 'even')])
    expect(Buffer.from(bytes).toString('latin1').indexOf('b ') % 2).toBe(0)
  })
})

const hasDpkg = spawnSync('dpkg-deb', ['--version']).status === 0

describe.skipIf(!hasDpkg)('the Debian package (skipped without dpkg-deb: apt-get install dpkg)', () => {
  it('is one that dpkg-deb reads: its fields, its settings, its scripts, root’s files', () => {
    const folder = scratch()
    const deb = join(folder, 'selvedge.deb')
    writeFileSync(deb, debianPackage(root, tree, '1.2.3-rc.1').bytes)
    const read = (...args: string[]): string => spawnSync('dpkg-deb', args, { encoding: 'utf8' }).stdout
    expect(read('--field', deb, 'Package', 'Version', 'Architecture')).toBe(
      'Package: selvedge\nVersion: 1.2.3~rc.1\nArchitecture: all\n',
    )
    expect(read('--field', deb, 'Depends')).toContain('nodejs (>= 18.20)')
    const listed = read('--contents', deb)
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/))
    const modeOf = new Map(listed.map(([mode, owner, , , , name]) => [name, `${mode} ${owner}`]))
    expect(modeOf.get('./usr/bin/selvedge')).toBe('-rwxr-xr-x 0/0')
    expect(modeOf.get('./etc/default/selvedge')).toBe('-rw------- 0/0')
    expect(modeOf.get('./usr/lib/systemd/system/selvedge.service')).toBe('-rw-r--r-- 0/0')
    expect(modeOf.get('./usr/lib/selvedge/wit/edge.wit')).toBe('-rw-r--r-- 0/0')
    expect(listed.filter(([mode = '']) => !/^[-d]/.test(mode))).toEqual([])
    spawnSync('dpkg-deb', ['--control', deb, join(folder, 'control')])
    expect(readdirSync(join(folder, 'control')).sort()).toEqual([
      'conffiles',
      'control',
      'md5sums',
      'postinst',
      'postrm',
      'prerm',
    ])
    for (const script of ['postinst', 'postrm', 'prerm'])
      expect(spawnSync('sh', ['-n', join(folder, 'control', script)]).status).toBe(0)
  })

  it('orders what comes before a release before it', () => {
    expect(debianVersion('1.0.0-rc.1')).toBe('1.0.0~rc.1')
    expect(debianVersion('1.0.0')).toBe('1.0.0')
  })
})

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-package-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
