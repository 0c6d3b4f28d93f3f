/** The languages that `selvedge build` knows. */
import type { Manifest } from '../manifest/index.ts'
import { assemblyscript } from './assemblyscript.ts'
import { command } from './command.ts'
import type { Language } from './language.ts'
import { buildProblems } from './problems.ts'
import { typescript } from './typescript.ts'

const languages: readonly Language[] = [assemblyscript, typescript, command]

/** @throws ERR_BUILD_LANGUAGE where the manifest names none */
export function languageOf({ app, component }: Manifest): Language {
  const name = component.language ?? (component.command === undefined ? undefined : 'command')
  const language = languages.find((known) => known.name === name)
  if (language === undefined) {
    throw buildProblems.error('ERR_BUILD_LANGUAGE', `nothing says how ${app.name} is built`)
  }
  return language
}
