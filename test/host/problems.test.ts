import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { allProblems } from '../../host/problems.ts'

const root = resolve(import.meta.dirname ?? __dirname, '../..')

/** The codes of every table in the sources, found as text. */
function codesInSources(): string[] {
  const files = ['core', 'mesh', 'host'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(root, folder, name), 'utf8')),
  )
  return files
    .filter((text) => text.includes('= defineProblems({'))
    .flatMap((text) => [...text.matchAll(/^ {2}(ERR_[A-Z0-9_]+): \{$/gm)].map((match) => match[1] ?? ''))
}

it('every code is registered once, whatever folder it comes from', () => {
  const codes = allProblems().map(({ code }) => code)
  expect(new Set(codes).size).toBe(codes.length)
  expect([...codes].sort()).toEqual(codesInSources().sort())
})

it.each(allProblems().map((problem) => [problem.code, problem] as const))(
  '%s says what it is and what to do',
  (code, problem) => {
    expect(code).toMatch(/^ERR_[A-Z][A-Z0-9_]+$/)
    expect(['user', 'system', 'remote']).toContain(problem.kind)
    for (const text of [problem.text, problem.fix]) {
      expect(text.trim()).toBe(text)
      expect(text.length).toBeGreaterThan(10)
    }
  },
)
