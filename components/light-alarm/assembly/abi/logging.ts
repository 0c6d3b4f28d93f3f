/** `wasi:logging/logging`: the app's log on its node. */
import { Utf8 } from './text'

// log: func(level: level, context: string, message: string)
@external("cm32p2|wasi:logging/logging@0.1.0-draft", "log")
declare function hostLog(level: i32, context: usize, contextLength: i32, message: usize, messageLength: i32): void

/** trace, debug, info: its place in the WIT enum. */
const info: i32 = 2

export function logInfo(context: string, message: string): void {
  const from = new Utf8(context)
  const text = new Utf8(message)
  hostLog(info, from.at, from.length, text.at, text.length)
}
