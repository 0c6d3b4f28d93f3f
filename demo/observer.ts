/**
 * Watches one daemon through its control API, several times a second: what its sensor reads, whether its LED is
 * lit, what runs, and every line its app logs.
 */
import { EventLedger } from './ledger.ts'
import type { NodeScene } from './picture.ts'
import type { Daemon } from './stage.ts'

export const app = 'light-alarm'
const samplesKept = 40

export class Observer {
  readonly name: string
  readonly group: string
  readonly ledger: EventLedger
  daemon: Daemon
  condition: NodeScene['condition'] = 'starting'
  #samples: number[] = []
  #unit = ''
  #led: boolean | null = null
  #version: string | null = null
  #state = ''
  #ended: string | null = null
  #polling: Promise<void> | null = null

  constructor(daemon: Daemon) {
    this.daemon = daemon
    this.name = daemon.name
    this.group = daemon.group
    this.ledger = new EventLedger(daemon.name)
    this.#watchEnd(daemon)
  }

  /** How the daemon ended although nobody killed it; null while all is well. */
  get accident(): string | null {
    return this.condition === 'dead' ? null : this.#ended
  }

  /** The version that runs and its state, as the node itself says. */
  get running(): { version: string | null; state: string } {
    return { version: this.#version, state: this.#state }
  }

  get led(): boolean | null {
    return this.#led
  }

  /** A daemon that was killed is watched again in its next life. */
  replace(daemon: Daemon): void {
    this.daemon = daemon
    this.ledger.restart()
    this.#ended = null
    this.#watchEnd(daemon)
  }

  #watchEnd(daemon: Daemon): void {
    void daemon.exited.then((code) => {
      if (daemon === this.daemon) this.#ended = code === null ? 'was killed' : `ended with exit code ${code}`
    })
  }

  /** One look. A daemon that is being killed or started just now is looked at next time. */
  poll(): Promise<void> {
    this.#polling ??= this.#look()
      .catch(() => {})
      .finally(() => {
        this.#polling = null
      })
    return this.#polling
  }

  async #look(): Promise<void> {
    if (this.condition === 'dead' || this.condition === 'stopped') return
    const { client } = this.daemon
    const [devices, apps, lines] = await Promise.all([
      client.devices(),
      client.apps(),
      client.logs({ app, after: this.ledger.logSeq }),
    ])
    for (const line of lines) {
      const event = this.ledger.add(line)
      if (event !== null) {
        this.#samples = [...this.#samples, event.value].slice(-samplesKept)
        this.#unit = event.unit
      }
    }
    const pin = devices.pins.find(({ name }) => name === 'led')
    this.#led = pin?.level ?? null
    const mine = apps.find((candidate) => candidate.app === app)
    this.#version = mine?.version ?? null
    const next = mine?.next
    this.#state = next === undefined ? (mine?.state ?? '') : `${next.version} ${next.state}`
    if (mine === undefined) {
      const sensor = devices.sensors.find(({ name }) => name === 'light')
      if (typeof sensor?.value === 'number') {
        this.#samples = [...this.#samples, sensor.value].slice(-samplesKept)
        this.#unit = sensor.unit
      }
    }
  }

  scene(): NodeScene {
    return {
      name: this.name,
      group: this.group,
      condition: this.condition,
      samples: this.#samples,
      unit: this.#unit,
      led: this.condition === 'dead' ? null : this.#led,
      version: this.#version,
      activity: this.#state,
      lastEvent: this.ledger.events.at(-1)?.id ?? null,
    }
  }
}
