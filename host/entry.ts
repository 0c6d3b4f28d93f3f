#!/usr/bin/env node
/**
 * What starts first: it parses on versions of Node.js that the program does not, so that an old one, a missing file
 * or two builds in one folder are told in a line, and so is
 * what keeps it from starting at all. Everything else is in main.ts.
 *
 * Built for Node 12.20 and without compat.ts; it may import nothing of ours but what needs nothing newer either.
 */
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installationFault, loadFault, nodeFault, type StartFault } from './installation.ts'

/** At once, and whole: the process ends behind it. */
function refuse({ code, what, hint }: StartFault): void {
  process.stderr.write(`error[${code}]: ${what}\nhint: ${hint}\n`)
  process.exitCode = 1
}

const folder = dirname(fileURLToPath(import.meta.url))
const fault = nodeFault(process.versions.node, process.execPath) ?? installationFault(folder)
if (fault === null) import('./main.ts').catch((error: unknown) => refuse(loadFault(error)))
else refuse(fault)
