/**
 * The chosen test files, vitest and the product's sources as one bundle, which any Node.js of any architecture loads.
 * A source sees the address it has in the checkout, so that it finds its files as it does in `npm test`.
 */
import { build, transform, type Plugin } from 'esbuild'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Packages that look for files beside themselves; they are loaded from where npm put them. */
const besideTheirFiles = [
  '@bokuweb/zstd-wasm',
  '@bytecodealliance/*',
  'assemblyscript',
  'esbuild',
  'node-sqlite3-wasm',
  'typescript',
]

/** @returns the program that runs the suite, in a folder of its own, which is the caller's to remove */
export async function bundleSuite(root: string, files: readonly string[]): Promise<string> {
  const outdir = join(root, `build/hosts/suite-${process.pid}`)
  const loaders = files.map((file) => `${JSON.stringify(file)}: () => import(${JSON.stringify(`./${file}`)})`)
  await build({
    absWorkingDir: root,
    stdin: {
      contents: `import { begin } from './test/hosts/suite/entry.ts'\nawait begin({ ${loaders.join(', ')} })\n`,
      resolveDir: root,
      sourcefile: 'suite.ts',
      loader: 'ts',
    },
    outdir,
    outExtension: { '.js': '.mjs' },
    entryNames: 'suite',
    inject: [join(root, 'core/compat.ts')],
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node18',
    format: 'esm',
    external: besideTheirFiles,
    plugins: [ownAddresses(root), standIns(root), withoutAddons(root)],
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
    logLevel: 'error',
  })
  return join(outdir, 'suite.mjs')
}

function ownAddresses(root: string): Plugin {
  return {
    name: 'addresses of the sources',
    setup(builder) {
      builder.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (!path.startsWith(join(root, '/')) || path.includes('/node_modules/')) return undefined
        const source = await readFile(path, 'utf8')
        if (!source.includes('import.meta.')) return undefined
        const { code } = await transform(source, {
          loader: 'ts',
          define: {
            'import.meta.url': JSON.stringify(pathToFileURL(path).href),
            'import.meta.dirname': JSON.stringify(dirname(path)),
          },
        })
        return { contents: code, loader: 'js' }
      })
    },
  }
}

/** Packages by way of what makes them bearable under emulation: see the files that stand in for them. */
function standIns(root: string): Plugin {
  const instead: Readonly<Record<string, string>> = {
    '@bytecodealliance/jco-transpile/component': 'plain-transpiler.ts',
    '@bytecodealliance/jco-transpile/wasm-tools': 'late-tools.ts',
    'fast-check': 'few-runs.ts',
  }
  return {
    name: 'stand-ins',
    setup(builder) {
      builder.onResolve(
        { filter: /^(@bytecodealliance\/jco-transpile\/(component|wasm-tools)|fast-check)$/ },
        ({ path, importer }) => {
          const file = instead[path]
          if (file === undefined || importer.endsWith(`/${file}`)) return undefined
          return { path: join(root, 'test/hosts/suite', file) }
        },
      )
    },
  }
}

/** Optional accelerators with native code, as in the product's own bundle. */
function withoutAddons(root: string): Plugin {
  return {
    name: 'no native addons',
    setup(builder) {
      builder.onResolve(
        { filter: /^(cbor-extract|node-gyp-build|node-gyp-build-optional-packages)$/ },
        () => ({
          path: join(root, 'scripts/stubs/absent.cjs'),
        }),
      )
    },
  }
}
