/** The version of the program, from package.json, where npm keeps it. */
import manifest from '../package.json' with { type: 'json' }

export const version: string = manifest.version
