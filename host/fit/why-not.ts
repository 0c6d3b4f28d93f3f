/**
 * Whether a machine can run a component at all: what the component needs against what the machine gives. Pure, and the
 * same on every node, so that all compute the same places.
 */
import type { ComponentRef, MemoryNeed, ReleaseRecord } from '../../mesh/index.ts'
import { sandboxBytes } from '../budget/index.ts'
import { addressableBytes, type Capabilities } from './capabilities.ts'
import { isMachineNeed, machineNeeds, meetsNeed } from './needs.ts'

export interface Requirements {
  /** WebAssembly features that it uses, sorted. */
  readonly features: readonly string[]
  /** `arch:arm64`; what is not about a machine is passed over. */
  readonly needs: readonly string[]
  /** Memory that all instances that are kept may come to hold, with their sandboxes but for the thread of one. */
  readonly memoryBytes: number
  /** Of its bytes on the disk, its list of chunks included. */
  readonly componentBytes: number
}

/** One component of a release: its own, or that of a variant. */
export interface ComponentChoice {
  readonly component: ComponentRef
  readonly features?: readonly string[] | undefined
  readonly memory?: MemoryNeed | undefined
}

/** @param choice the component itself unless given */
export function requirementsOf(record: ReleaseRecord, choice: ComponentChoice = record): Requirements {
  const { component, features = [], memory } = choice
  return {
    features,
    needs: record.placement?.needs ?? [],
    memoryBytes: memoryOf(record, memory),
    componentBytes: component.sizeBytes + component.chunks.sizeBytes,
  }
}

/**
 * Its limit, as an instance may take that at any moment; never less than its modules begin with. Nodes say what they can
 * give beside one thread, so what more or larger sandboxes take is added here.
 */
function memoryOf({ limits, instances = {} }: ReleaseRecord, memory: MemoryNeed | undefined): number {
  const oneBytes = Math.max(limits.memoryBytes, memory?.startBytes ?? 0)
  const count = Math.max(1, instances.min ?? 1)
  const bytes = count * oneBytes
  const withSandboxes = bytes + count * overheadOf(instances.isolation) - sandboxBytes.worker
  // One that asks for a shared thread may be moved out of it. What a node with more than that can give, it does not say.
  return Math.max(bytes, Math.min(withSandboxes, addressableBytes))
}

function overheadOf(isolation: string | undefined): number {
  return isolation === 'process' || isolation === 'shared' ? sandboxBytes[isolation] : sandboxBytes.worker
}

/** What is missing, in the words of needs, with the numbers: `feature:simd`, `memory:64MiB (it can give 32 MiB)`. */
export function whyNot(
  { features, needs, memoryBytes, componentBytes }: Requirements,
  capabilities: Capabilities,
): string[] {
  const { machine = {} } = capabilities
  const lacking = [...features.map((feature) => `feature:${feature}`), ...needs].filter((need) => {
    const { kind, value } = halvesOf(need)
    const known = machineNeeds.find((one) => one === kind)
    return known !== undefined && isMachineNeed(known, value) && !meetsNeed(known, value, capabilities)
  })
  const { appMemoryBytes = Infinity, componentBytes: roomBytes = Infinity } = machine
  return [
    ...new Set(lacking),
    ...(memoryBytes > appMemoryBytes
      ? [`memory:${sizeWord(memoryBytes)} (it can give an app ${sizeWord(appMemoryBytes, Math.floor)})`]
      : []),
    ...(componentBytes > roomBytes
      ? [`disk:${sizeWord(componentBytes)} (it has ${sizeWord(roomBytes, Math.floor)} for components)`]
      : []),
  ]
}

function halvesOf(need: string): { readonly kind: string; readonly value: string } {
  const colon = need.indexOf(':')
  return { kind: need.slice(0, Math.max(colon, 0)), value: need.slice(colon + 1) }
}

/** As a person writes it: `64MiB`, `1536KiB`. What is needed is rounded up, what there is down. */
function sizeWord(bytes: number, round: (value: number) => number = Math.ceil): string {
  if (bytes < 1024) return `${bytes}B`
  const isWhole = (unit: number): boolean => bytes >= unit && (bytes % unit === 0 || bytes >= 16 * unit)
  const [unit, name] = isWhole(1024 ** 2) ? [1024 ** 2, 'MiB'] : [1024, 'KiB']
  return `${round(bytes / unit)}${name}`
}
