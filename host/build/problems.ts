/** Why an app could not be built. */
import { defineProblems } from '../../core/index.ts'

export const buildProblems = defineProblems({
  ERR_TOOLCHAIN_MISSING: {
    kind: 'user',
    text: 'a package that this language is built with is not installed',
    fix: "run npm i -D with the named packages in the app's folder",
  },
  ERR_BUILD_FAILED: {
    kind: 'user',
    text: 'an app could not be built',
    fix: 'correct what the compiler names and build again; the component built before is still there',
  },
  ERR_BUILD_LANGUAGE: {
    kind: 'user',
    text: "an app's selvedge.toml does not say how it is built",
    fix: 'write language = "assemblyscript" or "typescript", or command = "…" with what builds it, under [component]; a finished component that file = "…" names is published with --no-build',
  },
  ERR_WORLD: {
    kind: 'user',
    text: 'the world that an app is built against cannot be used',
    fix: 'name a world of the wit/ folder under [component], for example world = "sensor-app"',
  },
})
