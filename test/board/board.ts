/**
 * An emulated board: QEMU's model of an AST2600 (two Cortex-A7 cores, 32 bits), with a GPIO controller whose lines are driven
 * and read from outside, a network socket behind a translation of addresses, and an SD card that is a file.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { SerialConsole } from './console.ts'
import type { Kernel } from './image.ts'
import { Qmp } from './qmp.ts'

export interface BoardOptions {
  readonly kernel: Kernel
  /** The SD card, which keeps what is written to it. */
  readonly card: string
  /** Of this machine, led to the board's mesh port. */
  readonly port: number
  /** Where the sockets of the emulator are made. */
  readonly folder: string
  /** Whether its network is plugged in when it is switched on. */
  readonly isPlugged?: boolean
}

/** The line of the controller that QEMU calls so: eight to a letter. */
export interface BoardPin {
  readonly qemu: string
  readonly line: number
}

export const boardChip = '1e780000.gpio'
/** What the network translates this machine's loopback address to. */
export const hostAddress = '10.0.2.2'
export const boardMeshPort = 4001
const bootMs = 240_000
const gpio = '/machine/soc/gpio'
const plug = 'plug'

export function boardPin(qemu: string): BoardPin {
  const letter = qemu.charCodeAt('gpio'.length) - 'A'.charCodeAt(0)
  return { qemu, line: letter * 8 + Number(qemu.slice('gpio'.length + 1)) }
}

export class Board {
  readonly console: SerialConsole
  readonly bootedMs: number
  readonly #child: ChildProcess
  readonly #qmp: Qmp

  private constructor(child: ChildProcess, qmp: Qmp, serial: SerialConsole, bootedMs: number) {
    this.#child = child
    this.#qmp = qmp
    this.console = serial
    this.bootedMs = bootedMs
  }

  /** Switches it on, and waits for its shell. @throws with the last lines of its console */
  static async boot(options: BoardOptions): Promise<Board> {
    const startedAt = performance.now()
    const socket = join(options.folder, 'qmp.sock')
    rmSync(socket, { force: true })
    const child = spawn('qemu-system-arm', argumentsFor(options, socket), { stdio: ['pipe', 'pipe', 'pipe'] })
    let complaint = ''
    child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-2_000)))
    const ended = new Promise<never>((_, reject) => {
      child.once('error', reject)
      child.once('exit', (code) => reject(new Error(`QEMU ended with ${code}: ${complaint.trim()}`)))
    })
    ended.catch(() => {})
    const serial = new SerialConsole(child.stdout, child.stdin)
    try {
      const qmp = await Promise.race([Qmp.connect(socket), ended])
      if (options.isPlugged === false) await qmp.order('set_link', { name: plug, up: false })
      await Promise.race([serial.until(/the board is up\n/, bootMs), ended])
      return new Board(child, qmp, serial, performance.now() - startedAt)
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    }
  }

  /** Drives an input from outside. */
  async drive({ qemu }: BoardPin, level: boolean): Promise<void> {
    await this.#qmp.order('qom-set', { path: gpio, property: qemu, value: level })
  }

  /** What is on the wire. */
  async level({ qemu }: BoardPin): Promise<boolean> {
    return (await this.#qmp.order('qom-get', { path: gpio, property: qemu })) === true
  }

  /** Waits for a level, looking every few ms. @returns how long it took, in ms @throws after `withinMs` */
  async untilLevel(pin: BoardPin, level: boolean, withinMs: number): Promise<number> {
    const startedAt = performance.now()
    while ((await this.level(pin)) !== level) {
      if (performance.now() - startedAt > withinMs)
        throw new Error(`${pin.qemu} is not ${level ? 'on' : 'off'} after ${withinMs / 1_000} s`)
      await new Promise((wake) => setTimeout(wake, lookMs))
    }
    return performance.now() - startedAt
  }

  /** Puts its network's plug in, or pulls it. */
  async plug(isIn: boolean): Promise<void> {
    await this.#qmp.order('set_link', { name: plug, up: isIn })
  }

  /** Joins this process's terminal to the console, until its input ends. */
  async shell(say: (text: string) => void): Promise<void> {
    say('a shell on the board; Ctrl-D ends it and switches the board off')
    const { stdin, stdout } = this.#child
    if (stdin === null || stdout === null) return
    stdout.pipe(process.stdout, { end: false })
    process.stdin.pipe(stdin, { end: false })
    await new Promise((resolve) => process.stdin.once('end', resolve))
  }

  /** At once, for the end of the process. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }

  /** Takes its power away, whatever it is doing. */
  async cutPower(): Promise<void> {
    this.#qmp.close()
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL')
    await gone
  }
}

const lookMs = 4

function argumentsFor({ kernel, card, port }: BoardOptions, socket: string): string[] {
  const forwarding = `hostfwd=tcp:127.0.0.1:${port}-:${boardMeshPort}`
  const values: Readonly<Record<string, string>> = {
    machine: 'ast2600-evb',
    m: '1G',
    display: 'none',
    monitor: 'none',
    serial: 'stdio',
    qmp: `unix:${socket},server=on,wait=off`,
    kernel: kernel.image,
    dtb: kernel.deviceTree,
    initrd: kernel.initramfs,
    append: 'console=ttyS4,115200n8 quiet loglevel=1 panic=-1',
    // The slot of the eMMC: the others have a switch against writing, which the emulator has on.
    drive: `file=${card},if=sd,format=raw,index=2`,
    nic: `user,id=${plug},${forwarding}`,
  }
  return [...Object.entries(values).flatMap(([name, value]) => [`-${name}`, value]), '-no-reboot']
}
