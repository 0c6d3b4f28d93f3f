import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryFolder, type DurableFolder } from '../../../core/index.ts'
import { EventCounter, idBlock } from '../../../host/triggers/event-counter.ts'
import { FakeClock, settle } from '../fake-clock.ts'

const clock = new FakeClock()
const open = (folder: DurableFolder, onProblem: (error: unknown) => void = () => {}): Promise<EventCounter> =>
  EventCounter.open(folder, 'light-alarm', clock, onProblem)

describe('event ids', () => {
  it('count up by one from 1', async () => {
    const counter = await open(memoryFolder())
    expect([counter.next(), counter.next(), counter.next()]).toEqual([1, 2, 3])
  })

  it('go on without a gap after a stop in good order', async () => {
    const folder = memoryFolder()
    const first = await open(folder)
    first.next()
    first.next()
    await first.stop()
    expect(first.next()).toBeNull()
    expect((await open(folder)).next()).toBe(3)
  })

  it('jump ahead after a crash', async () => {
    const folder = memoryFolder()
    const first = await open(folder)
    first.next()
    expect((await open(folder)).next()).toBe(idBlock + 1)
  })

  it('never repeat or go back, whatever the order of crashes and stops', async () => {
    const lives = fc.array(fc.record({ events: fc.nat(50), crash: fc.boolean() }), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(lives, async (plan) => {
        const folder = memoryFolder()
        let last = 0
        for (const { events, crash } of plan) {
          const counter = await open(folder)
          for (let i = 0; i < events; i += 1) {
            const id = counter.next()
            expect(id).toBeGreaterThan(last)
            last = id ?? last
          }
          if (!crash) await counter.stop()
        }
      }),
    )
  })

  it('never pass the mark on the disk: with the disk full they end, and go on when it has room', async () => {
    const folder = memoryFolder()
    let isFull = false
    const problems: unknown[] = []
    const filling: DurableFolder = {
      ...folder,
      write: async (name, bytes) => {
        if (isFull) throw new Error('no space left')
        await folder.write(name, bytes)
      },
    }
    const counter = await open(filling, (error) => problems.push(error))
    isFull = true
    let given = 0
    while (counter.next() !== null) {
      given += 1
      if (given % 100_000 === 0) await settle()
    }
    expect(given).toBe(idBlock)
    expect(problems.length).toBeGreaterThan(0)
    isFull = false
    await settle()
    counter.next()
    await settle()
    expect(counter.next()).toBe(idBlock + 1)
  })

  it('start above every likely id where the file is damaged', async () => {
    const folder = memoryFolder()
    await folder.write('light-alarm.events.json', new TextEncoder().encode('{"v":1,"mark":-'))
    expect((await open(folder)).next()).toBe(clock.now() + 1)
  })

  it('start there as well where the clock was never set', async () => {
    const folder = memoryFolder()
    await folder.write('light-alarm.events.json', new TextEncoder().encode('rubbish'))
    const unset = new FakeClock(60_000)
    const counter = await EventCounter.open(folder, 'light-alarm', unset, () => {})
    expect(counter.next()).toBe(Date.UTC(2023, 0, 1) + 1)
  })
})
