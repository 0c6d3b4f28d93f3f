/** The public face of the doctor, and the list of its checks, in the order in which they are made and shown. */
import { setMaxListeners } from 'node:events'
import { messageOf, within } from '../../core/index.ts'
import { clockCheck } from './checks/clock.ts'
import { configCheck } from './checks/config.ts'
import { dataCheck } from './checks/data.ts'
import { devicesCheck } from './checks/devices.ts'
import { diskCheck } from './checks/disk.ts'
import { fitCheck } from './checks/fit.ts'
import { memoryCheck } from './checks/memory.ts'
import { nodeCheck } from './checks/node.ts'
import { peersCheck } from './checks/peers.ts'
import { portsCheck } from './checks/ports.ts'
import { runtimeCheck } from './checks/runtime.ts'
import { serversCheck } from './checks/servers.ts'
import { trustCheck } from './checks/trust.ts'
import type { Check, Diagnosis, Finding, Patient } from './contract.ts'

export type { Diagnosis, Level, NodeFacts } from './contract.ts'
export { doctorProblems } from './problems.ts'

const checks: readonly Check[] = [
  runtimeCheck,
  memoryCheck,
  fitCheck,
  clockCheck,
  dataCheck,
  diskCheck,
  configCheck,
  nodeCheck,
  portsCheck,
  peersCheck,
  devicesCheck,
  serversCheck,
  trustCheck,
]

/** A medium that hangs, or a device, must not hold up the others. */
const checkMs = 15_000

/** Makes all checks at once. @param list other than the usual, for tests */
export async function diagnose(patient: Patient, list: readonly Check[] = checks): Promise<Diagnosis> {
  // One for each check, and for whatever it asks: Node.js warns a person of a leak from the eleventh on.
  setMaxListeners(0, patient.signal)
  const made = await Promise.all(
    list.map(async (check) =>
      (await findingsOf(check, patient)).map((found) => ({ check: check.name, ...found })),
    ),
  )
  const findings = made.flat()
  const count = (level: Finding['level']): number => findings.filter((found) => found.level === level).length
  return { findings, wrong: count('wrong'), notes: count('note') }
}

async function findingsOf(check: Check, patient: Patient): Promise<readonly Finding[]> {
  const { clock, signal } = patient
  try {
    return await within({ clock, ms: checkMs, signal }, () => check.run(patient))
  } catch (error) {
    if (signal.aborted) throw error
    return [
      {
        level: 'wrong',
        code: 'ERR_DOCTOR_CHECK',
        what: `it could not be looked at: ${messageOf(error)}`,
        fix: 'see the message; the other checks do not depend on it',
      },
    ]
  }
}
