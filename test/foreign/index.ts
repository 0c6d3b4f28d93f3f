/** The public face of test/foreign: programs of other architectures, from Debian's packages, under emulation. */
export { debianRoot, type RootRequest } from './debian-root.ts'
export { installPackages } from './emulator.ts'
export { finish, mustFinish, type Finished, type FinishOptions } from './finish.ts'
export { foreignNode, type ForeignNode, type ForeignNodeRequest } from './foreign-node.ts'
export { goalText } from './goal-text.ts'
