/** The whole proof: the hosts' Node.js, the same tests on each, what an app costs there, and one mesh of all of them. */
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { foreignNode } from '../foreign/index.ts'
import { compare } from './comparison.ts'
import { emptyProgramMs, figuresOf } from './figures-run.ts'
import { here } from './hosts.ts'
import { runMixedMesh, type StepDone } from './mesh/mixed-mesh.ts'
import type { SeatParts } from './mesh/seat.ts'
import { noPrevious, type HostsOptions } from './options.ts'
import { previousProgram, type PreviousProgram } from './previous.ts'
import { emptyRow, type Row } from './row.ts'
import { bundleSuite } from './suite-bundle.ts'
import { runSuiteOn, type Results } from './suite-run.ts'
import { suiteFiles } from './suites.ts'

export interface ProofRun {
  readonly root: string
  readonly options: HostsOptions
  readonly signal: AbortSignal
  say(text: string): void
}

export interface Proof {
  /** The machine itself first; the program of before last, where there is one. */
  readonly rows: readonly Row[]
  /** Or why there is none. */
  readonly previous: PreviousProgram | string
  readonly fileCount: number
  /** Of the mesh, that are over. */
  readonly steps: readonly StepDone[]
  /** True where something had to be fetched or unpacked, which takes as long as the line it comes by. */
  readonly hasFetched: boolean
}

/** How many times longer things may take under emulation. */
const emulatedPatience = 8

export async function prove(run: ProofRun): Promise<Proof> {
  const { root, options, say } = run
  const own = { ...emptyRow(here), program: process.execPath, version: process.version }
  const rows = options.hosts.map(emptyRow)
  // One after the other: two hosts of one architecture share a root.
  let hasFetched = false
  for (const row of rows) {
    // Of what is there, it says nothing.
    const fetching = (text: string): void => {
      hasFetched = true
      say(text)
    }
    await prepare(row, join(root, 'build/hosts'), say, fetching)
  }
  const files = options.parts.includes('tests') ? suiteFiles(options.files) : []
  if (options.parts.some((part) => part !== 'mesh')) await tryApart(own, rows, run, files)
  const previous = await programBefore(run)
  const all = [own, ...rows]
  const steps: StepDone[] = []
  if (options.parts.includes('mesh')) await tryMesh(all, previous, run, steps)
  return { rows: all, previous, fileCount: files.length, steps, hasFetched }
}

async function programBefore({ root, options, say }: ProofRun): Promise<PreviousProgram | string> {
  if (options.previous === noPrevious) return 'left out, as was asked for'
  if (!options.parts.includes('mesh')) return 'only the mesh has a node of it'
  return previousProgram(root, options.previous, say).catch((error: Error) => error.message)
}

/** What each host does by itself, a few hosts at once; the machine's own results first, as the measure of the others. */
async function tryApart(
  own: Row,
  rows: readonly Row[],
  run: ProofRun,
  files: readonly string[],
): Promise<void> {
  const bundle = await bundleSuite(run.root, files)
  try {
    const reference = await tryTests(own, run, bundle, files)
    if (reference !== null) own.tests = compare(here.name, reference, reference)
    // What takes longest begins first, so that no core is left with it at the end.
    const there = rows.filter(({ program }) => program !== null)
    const waiting = [own, ...there.filter(isSlow), ...there.filter((row) => !isSlow(row))]
    const work = async (): Promise<void> => {
      for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) {
        run.signal.throwIfAborted()
        await tryAlone(row, run, bundle, files, reference)
      }
    }
    await Promise.all(Array.from({ length: run.options.atOnce }, work))
  } finally {
    await rm(dirname(bundle), { recursive: true, force: true })
  }
}

/** 32-bit hosts collect memory between tests: see run-suite.ts. */
function isSlow({ host }: Row): boolean {
  return host.architecture === 'armhf' || host.architecture === 'mipsel'
}

async function prepare(
  row: Row,
  cache: string,
  say: (text: string) => void,
  fetching: (text: string) => void,
): Promise<void> {
  const { name, architecture, emulator, suite, node } = row.host
  if (emulator === null) return
  try {
    const found = await foreignNode({ name, cache, architecture, emulator, suite, node, say: fetching })
    row.program = found.program
    row.version = found.version
    say(`${name}: Node.js ${found.version}`)
  } catch (error) {
    row.obstacles.push((error as Error).message)
  }
}

/** @returns its results; null where they could not be had, which the row says */
async function tryTests(
  row: Row,
  { root, signal, say }: ProofRun,
  bundle: string,
  files: readonly string[],
): Promise<Results | null> {
  const { host, program } = row
  if (files.length === 0 || program === null) return null
  let count = 0
  try {
    const { results, ms } = await runSuiteOn({
      node: program,
      program: bundle,
      root,
      files,
      patience: host.emulator === null ? 1 : emulatedPatience,
      signal,
      begun(file) {
        count += 1
        if (count % 20 === 0) say(`${host.name}: ${count} of ${files.length} test files, now ${file}`)
      },
    })
    row.testsMs = ms
    say(`${host.name}: ${files.length} test files in ${(ms / 1_000).toFixed(1)} s`)
    return results
  } catch (error) {
    signal.throwIfAborted()
    row.obstacles.push(`tests: ${(error as Error).message}`)
    return null
  }
}

/** What a host does by itself. */
async function tryAlone(
  row: Row,
  run: ProofRun,
  bundle: string,
  files: readonly string[],
  reference: Results | null,
): Promise<void> {
  const { host, program } = row
  if (program === null) return
  if (host !== here && reference !== null) {
    const results = await tryTests(row, run, bundle, files)
    if (results !== null) {
      row.tests = compare(host.name, reference, results)
      const { passed, unexplained } = row.tests
      run.say(
        `${host.name}: ${passed} tests passed, ${unexplained.length} went another way and nobody knows why`,
      )
    }
  }
  if (!run.options.parts.includes('figures')) return
  try {
    row.emptyMs = await emptyProgramMs(program)
    row.figures = await figuresOf(run.root, program, bundle)
    run.say(`${host.name}: transpiled in ${(row.figures.transpileMs / 1_000).toFixed(1)} s`)
  } catch (error) {
    row.obstacles.push((error as Error).message)
  }
}

/** Adds a row for the program of before: a mesh without it proves less, which only whoever asks for that may have. */
async function tryMesh(
  rows: Row[],
  previous: PreviousProgram | string,
  run: ProofRun,
  steps: StepDone[],
): Promise<void> {
  const { root, options, signal, say } = run
  if (options.previous !== noPrevious) {
    const note = 'the program of before, on this machine'
    const before = emptyRow({ ...here, name: 'version-before', note })
    if (typeof previous === 'string') rows.push({ ...before, obstacles: [previous] })
    else rows.push({ ...before, program: process.execPath, version: process.version })
  }
  const program = join(root, 'dist/selvedge.mjs')
  const nodes = rows.flatMap(({ host, program: node }): SeatParts[] => {
    if (host === here || node === null) return []
    const isBefore = host.name === 'version-before' && typeof previous !== 'string'
    return [{ name: host.name, node, program: isBefore ? previous.program : program }]
  })
  const emulated = nodes.filter(({ name }) => name !== 'version-before')
  const before = nodes.filter(({ name }) => name === 'version-before')
  const meshes = shared(emulated, options.meshSize)
  // What runs as fast as this machine takes nobody's turn: it is in the first.
  for (const [index, some] of meshes.entries()) {
    const members = index === 0 ? [...some, ...before] : some
    const inOne = new Set(members.map(({ name }) => name))
    const label = meshes.length === 1 ? '' : `mesh ${index + 1} of ${meshes.length}: `
    try {
      const seats = await runMixedMesh({
        root,
        nodes: members,
        isKept: options.keep,
        signal,
        say: (text) => say(`${label}${text}`),
        done: (step) => void steps.push({ ...step, title: `${label}${step.title}` }),
      })
      for (const row of rows) row.seat ??= seats.find(({ name }) => name === row.host.name) ?? null
    } catch (error) {
      signal.throwIfAborted()
      for (const row of rows)
        if (row.host === here || inOne.has(row.host.name))
          row.obstacles.push(`mesh: ${(error as Error).message}`)
    }
  }
}

/** In as few parts as hold no more than `most`, which differ by one at most. @returns one part at least */
function shared<T>(all: readonly T[], most: number): T[][] {
  const count = Math.max(1, Math.ceil(all.length / most))
  return Array.from({ length: count }, (_, part) => all.filter((_one, at) => at % count === part))
}
