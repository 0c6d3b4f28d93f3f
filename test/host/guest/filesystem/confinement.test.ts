/**
 * Nothing leads out of a preopen: random trees with links in them, each path against a model of POSIX resolution
 * that knows where the tree ends, and random changes with a canary outside.
 */
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { creating, ground, outcome, reading, secret, writing, type Ground } from './kit.ts'

type Node =
  | { readonly kind: 'folder'; readonly entries: ReadonlyMap<string, Node> }
  | { readonly kind: 'file' }
  | { readonly kind: 'link'; readonly target: string }

const name = fc.constantFrom('a', 'b', 'c', 'é')
const step = fc.oneof({ weight: 4, arbitrary: name }, fc.constantFrom('..', '.', 'root', 'outside', 'secret'))
const relative = fc
  .tuple(
    fc.array(step, { minLength: 1, maxLength: 6 }),
    fc.constantFrom('/', '//'),
    fc.constantFrom('', '', '/', '/.'),
  )
  .map(([steps, slash, end]) => steps.join(slash) + end)
const target = fc.oneof(
  { weight: 5, arbitrary: relative },
  fc.constantFrom('/etc/passwd', '/', '../outside/secret', '../outside'),
)
const tree = fc.letrec<{ node: Node; folder: Node }>((tie) => ({
  folder: fc
    .array(fc.tuple(name, tie('node')), { maxLength: 4 })
    .map((entries): Node => ({ kind: 'folder', entries: new Map(entries) })),
  node: fc.oneof(
    { depthSize: 'small', maxDepth: 4, withCrossShrink: true },
    fc.constant<Node>({ kind: 'file' }),
    target.map((text): Node => ({ kind: 'link', target: text })),
    tie('folder'),
  ),
})).folder

function build(node: Node, path: string): void {
  if (node.kind === 'file') return writeFileSync(path, 'x')
  if (node.kind === 'link') return symlinkSync(node.target, path)
  mkdirSync(path, { recursive: true })
  for (const [entry, child] of node.entries) build(child, join(path, entry))
}

/** POSIX pathname resolution in a world that ends at the root. @returns where it leads, as the host names it */
function resolve(
  root: Node,
  path: string,
  follow: boolean,
  depth = 0,
  from: readonly [string, Node][] = [],
): string {
  if (path === '') return 'ENOENT'
  if (path.startsWith('/')) return 'EPERM'
  const trail = [...from]
  const current = (): Node => trail.at(-1)?.[1] ?? root
  const steps = path.split('/').filter((part) => part !== '')
  for (const [index, part] of steps.entries()) {
    const folder = current()
    if (folder.kind !== 'folder') return 'ENOTDIR'
    if (part === '.') continue
    if (part === '..') {
      if (trail.length === 0) return 'EPERM'
      trail.pop()
      continue
    }
    const found = folder.entries.get(part)
    if (found === undefined) return 'ENOENT'
    const isLast = index === steps.length - 1
    if (found.kind === 'link' && (!isLast || follow || path.endsWith('/'))) {
      if (depth >= 40) return 'ELOOP'
      const rest = steps.slice(index + 1).join('/')
      const end = path.endsWith('/') ? '/' : ''
      const on = rest === '' ? `${found.target}${end}` : `${found.target}/${rest}${end}`
      return resolve(root, on, follow, depth + 1, trail)
    }
    trail.push([part, found])
  }
  if (path.endsWith('/') && current().kind !== 'folder') return 'ENOTDIR'
  return `at ${trail.map(([part]) => part).join('/')}`
}

function snapshot(path: string): unknown {
  const stat = lstatSync(path)
  if (!stat.isDirectory()) return [path, stat.ino, stat.nlink, stat.mtimeMs, readFileSync(path, 'utf8')]
  return [path, stat.ino, readdirSync(path).map((entry) => snapshot(join(path, entry)))]
}

function withGround(anchored: boolean, use: (on: Ground) => void): void {
  const on = ground({ anchored })
  try {
    use(on)
  } finally {
    on.remove()
    expect(on.tree.held).toBe(0)
  }
}

describe.each([
  ['by descriptors', true],
  ['by names', false],
])('a tree that is walked %s', (_, anchored) => {
  it('leads every path where POSIX does inside the root, and nowhere else', () => {
    fc.assert(
      fc.property(
        tree,
        fc.array(fc.tuple(relative, fc.boolean()), { minLength: 1, maxLength: 20 }),
        (node, paths) => {
          withGround(anchored, ({ root, folder }) => {
            build(node, root)
            for (const [path, follow] of paths) {
              const expected = resolve(node, path, follow)
              const inode = (): string => {
                const found = folder.statAt(path, follow)
                const host = lstatSync(join(root, expected.slice(3)), { bigint: true })
                return found.inode === host.ino ? expected : `another inode than ${expected}`
              }
              let actual = ''
              const failure = outcome(() => (actual = inode()))
              expect([path, failure === 'ok' ? actual : failure]).toEqual([path, expected])
            }
          })
        },
      ),
      { numRuns: 60 },
    )
  })

  it('changes nothing outside, whatever a guest does with whatever paths', () => {
    const act = fc.tuple(
      fc.constantFrom(
        'create',
        'truncate',
        'unlink',
        'rmdir',
        'mkdir',
        'rename',
        'link',
        'symlink',
        'times',
        'read',
      ),
      relative,
      fc.oneof(relative, target),
    )
    fc.assert(
      fc.property(tree, fc.array(act, { minLength: 1, maxLength: 25 }), (node, acts) => {
        withGround(anchored, ({ root, outside, folder }) => {
          build(node, root)
          const before = snapshot(outside)
          for (const [what, path, other] of acts) {
            outcome(() => {
              if (what === 'create' || what === 'truncate') {
                const file = folder.open(path, what === 'create' ? creating : { ...writing, truncate: true })
                if (file.kind === 'file') file.write(new Uint8Array(3), 0n)
                file.close()
              } else if (what === 'read') {
                const file = folder.open(path, reading)
                const buffer = new Uint8Array(secret.length)
                if (file.kind === 'file') file.read(buffer, 0n)
                file.close()
                expect(Buffer.from(buffer).toString()).not.toBe(secret)
              } else if (what === 'unlink') folder.unlink(path)
              else if (what === 'rmdir') folder.removeFolder(path)
              else if (what === 'mkdir') folder.makeFolder(path)
              else if (what === 'rename') folder.rename(path, folder, other)
              else if (what === 'link') folder.link(path, true, folder, other)
              else if (what === 'symlink') folder.makeLink(other, path)
              else folder.setTimesAt(path, true, 5n, 5n)
            })
          }
          expect(snapshot(outside)).toEqual(before)
        })
      }),
      { numRuns: 60 },
    )
  })

  it('refuses what a link or a path would lead out to', () => {
    withGround(anchored, ({ root, outside, folder }) => {
      symlinkSync('../outside', join(root, 'up'))
      symlinkSync(outside, join(root, 'absolute'))
      symlinkSync('self', join(root, 'self'))
      mkdirSync(join(root, 'sub'))
      for (const path of [
        'up/secret',
        'absolute/secret',
        '../outside/secret',
        '/etc/passwd',
        'sub/../../outside',
      ]) {
        expect([path, outcome(() => folder.open(path, reading))]).toEqual([path, 'EPERM'])
        expect([path, outcome(() => folder.statAt(path, true))]).toEqual([path, 'EPERM'])
      }
      expect(outcome(() => folder.open('self', reading))).toBe('ELOOP')
      expect(outcome(() => folder.makeLink('/etc', 'x'))).toBe('EPERM')
      expect(outcome(() => folder.readLink('absolute'))).toBe('EPERM')
      const sub = folder.open('sub', reading)
      expect(sub.kind === 'folder' && outcome(() => sub.statAt('..', true))).toBe('EPERM')
      sub.close()
    })
  })
})

describe('a walk by descriptors', () => {
  it.skipIf(process.platform !== 'linux')('stays in the folder it opened when another takes its name', () => {
    withGround(true, ({ root, outside, folder }) => {
      mkdirSync(join(root, 'sub'))
      const sub = folder.open('sub', reading)
      folder.rename('sub', folder, 'moved')
      symlinkSync(outside, join(root, 'sub'))
      if (sub.kind !== 'folder') throw new Error('not a folder')
      expect(outcome(() => sub.statAt('secret', true))).toBe('ENOENT')
      sub.open('mine', creating).close()
      sub.close()
      expect(readdirSync(join(root, 'moved'))).toEqual(['mine'])
    })
  })
})

describe('a walk by names', () => {
  it('refuses a folder whose name another has taken', () => {
    withGround(false, ({ root, outside, folder }) => {
      mkdirSync(join(root, 'sub'))
      const sub = folder.open('sub', reading)
      folder.rename('sub', folder, 'moved')
      symlinkSync(outside, join(root, 'sub'))
      expect(sub.kind === 'folder' && outcome(() => sub.statAt('secret', true))).toBe('ENOENT')
      sub.close()
    })
  })
})
