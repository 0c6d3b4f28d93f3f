/** What can go wrong when a file is run on this machine, outside of any mesh. */
import { defineProblems } from '../../core/index.ts'

export const runProblems = defineProblems({
  ERR_RUN_OPTION: {
    kind: 'user',
    text: 'an option says something that cannot be given to the program',
    fix: 'see the options and examples with `selvedge run --help`',
  },
  ERR_RUN_FILE: {
    kind: 'user',
    text: 'the file to run cannot be read',
    fix: 'name a .wasm file: a component, or a core module of WASI preview1',
  },
  ERR_RUN_ARGUMENTS: {
    kind: 'user',
    text: 'the function that --invoke names does not take these arguments',
    fix: 'give it one argument for each parameter: whole numbers for i32 and i64, any number for f32 and f64',
  },
  ERR_NOT_A_COMMAND: {
    kind: 'user',
    text: 'the file has nothing that `selvedge run` could start: it is no command',
    fix: 'call one of its functions with `selvedge run --invoke NAME FILE`, or build it as a command (wasi:cli/run, `_start`)',
  },
  ERR_NO_MESSAGE_HANDLER: {
    kind: 'user',
    text: 'the file has nothing that a topic’s message could be handed to',
    fix: 'build it for a world that exports wasi:messaging/incoming-handler, as messaging-app, or run it without --topic',
  },
  ERR_NOT_A_SERVER: {
    kind: 'user',
    text: 'the file has nothing that `selvedge serve` could ask: it answers no HTTP requests',
    fix: 'build it for the world wasi:http/proxy, or start it with `selvedge run` where it is a command',
  },
  ERR_SERVED_APP_ENDED: {
    kind: 'user',
    text: 'the program died again and again, and is no longer served',
    fix: 'see in the lines before what each of them died of',
  },
})
