/**
 * What chance draws in the tests is the same on every run: whether a change is good is not a matter of luck. `SIM_SEED=any`
 * draws anew, for properties of fast-check too; `SIM_SEED=N` repeats a simulation.
 */
import * as fc from 'fast-check'
import { simSeed } from './sim/random.ts'

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: simSeed() % 2 ** 31 })
