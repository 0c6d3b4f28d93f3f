// What esbuild is told of our sources and of what they stand on, beyond its options: where an import leads.
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const packages = createRequire(import.meta.url)

/**
 * preview2-shim has two implementations. Node's starts a thread of its own per worker and reaches for real files;
 * the browser's is plain JavaScript over an empty world, which is what a sandbox and a transpiler should see.
 */
export const emptyWorld = {
  name: 'preview2-shim in an empty world',
  setup(builder) {
    const shim = join(dirname(packages.resolve('@bytecodealliance/preview2-shim')), '../browser')
    builder.onResolve({ filter: /^@bytecodealliance\/preview2-shim\/\w+$/ }, ({ path }) => ({
      path: join(shim, `${path.slice(path.lastIndexOf('/') + 1)}.js`),
    }))
  },
}

/** Optional accelerators with native code; the packages that ask for them do without. */
export const withoutAddons = {
  name: 'no native addons',
  setup(builder) {
    builder.onResolve({ filter: /^(cbor-extract|node-gyp-build|node-gyp-build-optional-packages)$/ }, () => ({
      path: join(root, 'scripts/stubs/absent.cjs'),
    }))
  },
}

/**
 * An import of node:http as a module reads every name it exports, and on Node 22 and later one of those loads
 * all of undici: 45 ms of CPU before the first line. As CommonJS only what is used is read, and when it is used: what most
 * starts have no need of takes them a twentieth of their time. Whoever asks such a module what there is (`in`, `import *`)
 * hears of what the Node.js that built it has; so none is among them of which we ask that.
 */
export const builtinsByName = {
  name: 'modules of Node.js when they are used',
  setup(builder) {
    const late = /^(node:)?(http|https|tls|child_process|dns|dgram|readline)$/
    builder.onResolve({ filter: late }, ({ path, kind, namespace }) =>
      namespace === 'builtin' || kind === 'require-call' ? undefined : { path, namespace: 'builtin' },
    )
    builder.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `let loaded
for (const name of ${JSON.stringify(Object.keys(packages(path)).sort())})
  Object.defineProperty(exports, name, { enumerable: true, get: () => (loaded ??= require(${JSON.stringify(path)}))[name] })`,
      loader: 'js',
    }))
  },
}

/** Commands load what they need when they run; the daemon has one, which needs nothing of that. */
export const noOtherCommands = {
  name: 'no other commands',
  setup(builder) {
    builder.onResolve({ filter: /^\./ }, ({ path, importer, kind }) =>
      kind === 'dynamic-import' && importer.startsWith(join(root, 'host/cli/'))
        ? { path, namespace: 'elsewhere' }
        : undefined,
    )
    builder.onLoad({ filter: /.*/, namespace: 'elsewhere' }, () => ({
      contents: "throw new Error('the daemon has no other commands than `up`')",
    }))
  },
}

/** The starter loads the program as the file that it becomes. */
export const programBeside = {
  name: 'the program beside its starter',
  setup(builder) {
    builder.onResolve({ filter: /^\.\/main\.ts$/ }, () => ({ path: './program.mjs', external: true }))
  },
}

/** Run for what it does; all others of our modules only define what others use. */
const doing = new Set(['core/compat.ts'].map((path) => join(root, path)))

/**
 * Of our own modules what nobody uses is left out, so that a command that needs one constant of the mesh does not load
 * libp2p: the public face of a folder names everything in it.
 */
export const onlyWhatIsUsed = {
  name: 'our modules without what nobody uses',
  setup(builder) {
    builder.onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, ({ path, resolveDir, kind }) => {
      const file = join(resolveDir, path)
      const isOurs = !file.includes('/node_modules/') && kind === 'import-statement' && !doing.has(file)
      return isOurs ? { path: file, sideEffects: false } : undefined
    })
  },
}
