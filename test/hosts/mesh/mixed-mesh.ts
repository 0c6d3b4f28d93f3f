/**
 * A real mesh of nodes of different architectures and versions: the built program, one process each, on loopback. Each step
 * is asked of every node that came so far; one that fails sits out the rest, and the others go on without it.
 */
import { join } from 'node:path'
import { Stage } from '../../../demo/stage.ts'
import type { Mesh } from './mesh.ts'
import { Seat, type SeatParts } from './seat.ts'
import { steps } from './steps.ts'

/** A step that is over. */
export interface StepDone {
  readonly title: string
  readonly ms: number
  /** Nodes that it held for, beside the machine's own. */
  readonly sound: number
  readonly of: number
}

export interface MeshRun {
  readonly root: string
  /** Beside the machine's own node, which founds the mesh. */
  readonly nodes: readonly SeatParts[]
  /** Keeps the nodes' folders, and says where they are. */
  readonly isKept: boolean
  readonly signal: AbortSignal
  say(text: string): void
  /** Told of each step, also where the mesh fails later. */
  done(step: StepDone): void
}

/** @throws where the machine's own node fails, without which there is no mesh */
export async function runMixedMesh(run: MeshRun): Promise<readonly Seat[]> {
  const { root, nodes, say, signal } = run
  const stage = await Stage.open(root)
  const program = join(root, 'dist/selvedge.mjs')
  const founder = new Seat({ name: 'here', node: process.execPath, program })
  const seats = [founder, ...nodes.map((node) => new Seat(node))]
  const mesh: Mesh = {
    stage,
    root,
    founder,
    signal,
    say,
    get seats() {
      return seats.filter(({ failure }) => failure === null)
    },
  }
  try {
    for (const { title, run: step } of steps) {
      signal.throwIfAborted()
      const startedAt = performance.now()
      await step(mesh, title)
      if (founder.failure !== null) throw new Error(founder.failure)
      const done = {
        title,
        ms: performance.now() - startedAt,
        sound: mesh.seats.length - 1,
        of: nodes.length,
      }
      run.done(done)
      say(`${title}: ${done.sound} of ${done.of} nodes (${(done.ms / 1_000).toFixed(1)} s)`)
    }
    return seats
  } finally {
    await stage.close(run.isKept)
    if (run.isKept) say(`the nodes' folders are in ${stage.folder}`)
  }
}
