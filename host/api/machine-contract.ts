/** What the control API says of a node's machine. */

/** As the node's own record has it. Sizes in bytes. */
export interface MachineStatus {
  /** Of a word. */
  readonly bits?: number | undefined
  /** `little` or `big`. */
  readonly endianness?: string | undefined
  /** 1 for all that there is, 3 for the smallest. */
  readonly tier?: number | undefined
  /** What the machine, or the control group around the node, has. */
  readonly memoryBytes?: number | undefined
  /** The most linear memory that one app can have there. */
  readonly appMemoryBytes?: number | undefined
  /** What all components may take of the disk. */
  readonly componentBytes?: number | undefined
}
