/** `npm run package -- --check`: the packages, tried outside of the checkout that made them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { archiveRun, oldNode } from './archive-run.ts'
import { containerImage } from './container-image.ts'
import { containerSteps } from './container-steps.ts'
import { debianLife } from './debian-life.ts'
import { openrcLife } from './openrc-life.ts'
import { secondBuild } from './second-build.ts'
import type { Trial } from './trial.ts'
import { userLife } from './user-life.ts'

/** A new one is a file and a line here. */
const trials: readonly Trial[] = [
  secondBuild,
  archiveRun,
  oldNode,
  containerSteps,
  containerImage,
  debianLife,
  userLife,
  openrcLife,
]

function say(text: string): void {
  console.error(text)
}

/**
 * Tries everything, and says what was not tried and what it would take.
 * @throws where something is not as it should be, after everything else was tried
 */
export async function tryPackages(
  root: string,
  files: { readonly archive: string; readonly deb: string; readonly version: string },
): Promise<void> {
  const failed: string[] = []
  for (const trial of trials) {
    const lacks = trial.lacks()
    if (lacks !== null) {
      say(`not tried: ${trial.name}: this machine lacks ${lacks}`)
      continue
    }
    const scratch = mkdtempSync(join(tmpdir(), 'selvedge-trial-'))
    try {
      await trial.run({ root, scratch, say, ...files })
      say(`pass: ${trial.name}`)
    } catch (error) {
      say(`FAILED: ${trial.name}\n${(error as Error).message}`)
      failed.push(trial.name)
    } finally {
      rmSync(scratch, { recursive: true, force: true, maxRetries: 5 })
    }
  }
  if (failed.length > 0) throw new Error(`${failed.length} of ${trials.length} trials failed`)
}
