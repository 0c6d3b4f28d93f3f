/** What a doctor finds that no other part of the program has a name for. */
import { defineProblems } from '../../core/index.ts'

export const doctorProblems = defineProblems({
  ERR_DOCTOR_RUNTIME: {
    kind: 'system',
    text: 'the machine gives the program less than it needs',
    fix: 'see the finding of `selvedge doctor`, which names the limit',
  },
  ERR_DOCTOR_MEMORY: {
    kind: 'user',
    text: 'the node is told to take more memory than its machine has',
    fix: 'write less under [limits] memory in the node’s TOML, or leave it to the node with memory = "auto"',
  },
  ERR_DOCTOR_DATA: {
    kind: 'system',
    text: 'the data folder cannot be used as it is',
    fix: 'see the finding of `selvedge doctor`, which names owner, mode or medium',
  },
  ERR_DOCTOR_DISK: {
    kind: 'system',
    text: 'the disk of the data folder is nearly full',
    fix: 'free space on it, or move the data folder to a larger disk while the node is stopped',
  },
  ERR_DOCTOR_CLOCK: {
    kind: 'system',
    text: 'the clock of the machine is wrong',
    fix: 'set it, or let a time service do so; invites and heartbeats are judged by it',
  },
  ERR_DOCTOR_PORT: {
    kind: 'system',
    text: 'an address of the node cannot be used',
    fix: 'see the finding of `selvedge doctor`, which names the address and who has it',
  },
  ERR_DOCTOR_SERVER: {
    kind: 'system',
    text: 'a broker or a store’s server that the TOML names cannot be used',
    fix: 'see the finding of `selvedge doctor`, which names the server and why',
  },
  ERR_DOCTOR_PEERS: {
    kind: 'system',
    text: 'the node reaches less of its mesh than it should',
    fix: 'see `selvedge status` and `selvedge why NODE` for what is known of each',
  },
  ERR_DOCTOR_CHECK: {
    kind: 'system',
    text: 'a check of the doctor could not be made',
    fix: 'see the message; the other checks do not depend on it',
  },
})
