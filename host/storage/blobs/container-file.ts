/** What a container's folder says of it, with a sum by which it is known as what was written. */
import { createHash } from 'node:crypto'
import * as v from 'valibot'
import type { ContainerInfo } from '../contract.ts'
import { storageProblems } from '../problems.ts'

export const maxContainerFileBytes = 16 * 1024

const schema = v.object({
  name: v.string(),
  createdAt: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  /** Absent in those of before. */
  sum: v.optional(v.string()),
})

export function writeContainer({ name, createdAt }: ContainerInfo): string {
  return JSON.stringify({ name, createdAt, sum: sumOf(name, createdAt) })
}

/** @throws ERR_STORAGE_DAMAGED */
export function readContainer(text: string, name: string, path: string): ContainerInfo {
  try {
    const found = v.parse(schema, JSON.parse(text))
    const isRight =
      found.name === name && (found.sum ?? sumOf(name, found.createdAt)) === sumOf(name, found.createdAt)
    if (isRight) return { name, createdAt: found.createdAt }
  } catch {
    // Told below, with what to do.
  }
  throw storageProblems.error('ERR_STORAGE_DAMAGED', `${path} is not as it was written`, {
    hint: 'put back a copy of the file; without it the objects in the container can be read, and nobody can say how old it is',
  })
}

function sumOf(name: string, createdAt: number): string {
  return createHash('sha256').update(`${createdAt}:${name}`).digest('hex').slice(0, 16)
}
