/**
 * What every act is given: the stage, the nodes being watched, and ways to wait, measure and complain.
 */
import type { Rule } from './ledger.ts'
import type { Observer } from './observer.ts'
import type { Screen } from './screen.ts'
import type { Stage } from './stage.ts'

/** Nothing in the demo may take longer. */
export const patienceMs = 30_000

export class Play {
  readonly root: string
  readonly stage: Stage
  readonly screen: Screen
  readonly observers = new Map<string, Observer>()
  /** Which rule each published version stands for. */
  readonly rules = new Map<string, Rule>()
  /** Below it `light` counts as dark: lux in the lobby, percent of idle CPU in the garage. */
  readonly thresholds = new Map<string, number>()
  /** Invites that were used, newest last. */
  readonly usedTokens: string[] = []
  readonly summary: string[] = []
  title = ''
  readonly #startedAt = Date.now()

  constructor(root: string, stage: Stage, screen: Screen) {
    this.root = root
    this.stage = stage
    this.screen = screen
  }

  node(name: string): Observer {
    const observer = this.observers.get(name)
    if (observer === undefined) throw new Error(`no node ${name} on the stage`)
    return observer
  }

  get nodes(): Observer[] {
    return [...this.observers.values()]
  }

  /** Draws one frame and looks at every node. */
  async frame(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.poll()))
    this.screen.draw({
      title: this.title,
      seconds: (Date.now() - this.#startedAt) / 1_000,
      nodes: this.nodes.map((node) => node.scene()),
    })
  }

  /** Waits until `holds`; fails with what was waited for. */
  async until(what: string, holds: () => boolean | Promise<boolean>, ms = patienceMs): Promise<number> {
    const startedAt = Date.now()
    while (!(await holds())) {
      for (const { name, accident } of this.nodes) {
        if (accident !== null) throw new Error(`${name} ${accident} while waiting: ${what}`)
      }
      if (Date.now() - startedAt > ms) throw new Error(`waited ${ms / 1_000} s in vain: ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return Date.now() - startedAt
  }

  /** Prints a measured time against its goal, and fails over it. */
  measured(what: string, ms: number, goalMs: number): void {
    const line = `  ${what.padEnd(48)} ${seconds(ms).padStart(8)}   goal ${seconds(goalMs)}`
    this.screen.say(line)
    if (ms > goalMs) throw new Error(`${what} took ${seconds(ms)}, the goal is ${seconds(goalMs)}`)
  }

  /** Fails on any event lost, handled twice, out of order, or decided by the wrong rule. */
  checkLedgers(): void {
    for (const { name, ledger } of this.nodes) {
      const fault = ledger.faults[0]
      if (fault !== undefined) throw new Error(fault)
      const wrong = ledger.misjudged(this.rules, this.thresholds.get(name) ?? 0)[0]
      if (wrong !== undefined) {
        throw new Error(
          `${name}: ${wrong.version} left the led ${wrong.led ? 'on' : 'off'} at ${wrong.value} ${wrong.unit}`,
        )
      }
    }
  }
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`
}
