import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../core/index.ts'
import { keeper, KeptProgram } from '../../../host/devices/kept-program.ts'

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('a program that is kept', () => {
  it('hands on its lines and what it ended with, once', async () => {
    const lines: string[] = []
    const why = await new Promise<string>((resolve) => {
      const script = 'echo one; echo two; echo "no such line" >&2; exit 3'
      const events = { line: (line: string) => void lines.push(line), ended: resolve }
      void new KeptProgram('/bin/sh', ['-c', script], systemClock, events)
    })
    expect([lines, why]).toEqual([['one', 'two'], 'no such line'])
  })

  it('ends when it is closed, also where it does not want to, and says nothing of it', async () => {
    const lines: string[] = []
    const ended: string[] = []
    const events = {
      line: (line: string) => void lines.push(line),
      ended: (why: string) => void ended.push(why),
    }
    const stubborn = 'trap "" TERM; echo $$; while :; do sleep 0.05; done'
    const program = new KeptProgram('/bin/sh', ['-c', stubborn], systemClock, events)
    await expect.poll(() => lines.length).toBe(1)
    await program.close()
    await program.close()
    await expect.poll(() => isAlive(Number(lines[0]))).toBe(false)
    expect(ended).toEqual([])
  })

  it('says what is wrong where it does not start', async () => {
    const why = await new Promise<string>((resolve) => {
      void new KeptProgram('/nowhere/gpiomon', [], systemClock, { line() {}, ended: resolve })
    })
    expect(why).toContain('/nowhere/gpiomon')
  })

  it('does not outlive a node that is killed', async () => {
    const script = `
      const child = require('node:child_process').spawn('/bin/sh', ['-c', process.argv[1], 'sh', '/bin/sleep', '600'], { detached: true })
      console.log(child.pid)`
    const node = spawn(process.execPath, ['-e', script, keeper], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [said] = (await once(node.stdout, 'data')) as [Buffer]
    const pid = Number(said.toString())
    expect(isAlive(pid)).toBe(true)
    node.kill('SIGKILL')
    await expect.poll(() => isAlive(pid)).toBe(false)
  })
})
