/** Paths in a manifest: they stay inside the app's folder. */
import * as v from 'valibot'

const maxPathLength = 255

/** A path inside the app's folder: a build must not write, nor a publish read, somewhere else. */
export const innerPath = v.pipe(
  v.string(),
  v.minLength(1, 'is empty; name a file'),
  v.maxLength(maxPathLength, 'is too long; use a shorter path'),
  v.check(
    (path) => !/^([/\\]|[A-Za-z]:)/.test(path) && !path.split(/[/\\]/).includes('..') && !path.includes('\0'),
    "leaves the app's folder; write a path inside it, for example build/app.wasm",
  ),
)
