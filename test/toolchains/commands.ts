/** Commands: core modules of preview1, and components that export wasi:cli/run. */
import { join } from 'node:path'
import { here, run, type Recipe } from './recipe.ts'
import { layOutCommandWit, probeClang, probeGo, probePython, probeRust } from './tools.ts'

interface Command extends Recipe {
  /** What becomes of `exit(3)`: a component can only say whether it went well (wasi:cli/exit@0.2, `exit`). */
  readonly exitStatus: 3 | 1
}

export const commands: readonly Command[] = [
  {
    language: 'C, preview1',
    exitStatus: 3,
    sources: ['test/toolchains/c/command.c'],
    probe: probeClang,
    build: async (out) => {
      await run('clang', ['--target=wasm32-wasi', '-Oz', '-Wl,--strip-all', '-o', out, 'c/command.c'])
    },
  },
  {
    language: 'Go, preview1',
    exitStatus: 3,
    sources: ['test/toolchains/go'],
    probe: probeGo,
    build: async (out) => {
      const env = { GOOS: 'wasip1', GOARCH: 'wasm', GOTOOLCHAIN: 'local', GOWORK: 'off' }
      const args = ['build', '-trimpath', '-ldflags=-s -w', '-o', out, 'command.go']
      await run('go', args, { cwd: join(here, 'go'), env })
    },
  },
  {
    language: 'Rust, preview1',
    exitStatus: 3,
    sources: ['test/toolchains/rust/src/command.rs'],
    probe: () => probeRust('wasm32-wasip1'),
    build: (out) => rustCommand('wasm32-wasip1', out),
  },
  {
    language: 'Rust, component',
    exitStatus: 1,
    sources: ['test/toolchains/rust/src/command.rs'],
    probe: () => probeRust('wasm32-wasip2'),
    build: (out) => rustCommand('wasm32-wasip2', out),
  },
  {
    language: 'Python, component',
    exitStatus: 1,
    sources: ['test/toolchains/python/command.py', 'test/toolchains/wit'],
    probe: probePython,
    build: async (out, scratch) => {
      const wit = await layOutCommandWit(scratch)
      const args = ['-q', '-d', wit, '-w', 'command', 'componentize', '-p', join(here, 'python'), 'command']
      // The bytecode of imported modules would be written beside the sources.
      await run('componentize-py', [...args, '-o', out], { env: { PYTHONDONTWRITEBYTECODE: '1' } })
    },
  },
]

async function rustCommand(target: string, out: string): Promise<void> {
  const options = ['--edition', '2021', '--target', target, '-O', '-C', 'strip=symbols']
  await run('rustc', [...options, '-o', out, join(here, 'rust/src/command.rs')])
}
