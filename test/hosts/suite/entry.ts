/** The program that runs on a host: the tests, or the figures, as its argument says. */
import type { FiguresJob, SuiteJob } from './protocol.ts'
import type { Loaders } from './run-suite.ts'

export async function begin(loaders: Loaders): Promise<void> {
  const job = JSON.parse(process.argv[2] ?? '') as SuiteJob | FiguresJob
  if (job.kind === 'figures') {
    const { measureFigures } = await import('./figures.ts')
    await measureFigures(job.component)
  } else {
    const { runSuite } = await import('./run-suite.ts')
    await runSuite(job, loaders)
  }
  // Threads that something left behind must not keep the others waiting.
  process.exit(0)
}
