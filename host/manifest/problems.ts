/** What can be wrong with an app's description, in its `selvedge.toml` or in the options that stand for it. */
import { defineProblems } from '../../core/index.ts'

export const manifestProblems = defineProblems({
  ERR_MANIFEST: {
    kind: 'user',
    text: "an app's selvedge.toml does not say what it should",
    fix: 'correct the named fields and run the command again; nothing was changed',
  },
  ERR_MANIFEST_MISSING: {
    kind: 'user',
    text: 'a folder holds no selvedge.toml, so it is no app',
    fix: 'name the folder that has the app’s selvedge.toml; `selvedge publish FILE.wasm` needs none',
  },
  ERR_RELEASE_OPTION: {
    kind: 'user',
    text: 'an option that describes a release cannot be understood',
    fix: 'see selvedge publish --help for how it is written',
  },
})
