/** What can go wrong between a component's bytes and a running instance. */
import { defineProblems } from '../../core/index.ts'

export const engineProblems = defineProblems({
  ERR_NOT_WASM: {
    kind: 'user',
    text: 'the file is not WebAssembly',
    fix: 'name the .wasm that the build wrote; `selvedge build` says where it put it',
  },
  ERR_CORE_MODULE: {
    kind: 'user',
    text: 'the file is a core WebAssembly module that imports more than WASI preview1',
    fix: 'build it for WASI preview1 (wasip1), or make a component of it: `npx jco embed --wit wit -n WORLD core.wasm -o e.wasm && npx jco new e.wasm -o app.wasm`',
  },
  ERR_COMPONENT_INVALID: {
    kind: 'user',
    text: 'the file begins like a component, and is not a valid one',
    fix: 'build it again; if that does not help, `npx jco wit FILE` names the first fault',
  },
  ERR_COMPONENT_TOO_LARGE: {
    kind: 'user',
    text: 'the component is larger than this node takes',
    fix: 'build it for size, strip its debug information (`npx jco opt`), or move data out of it',
  },
  ERR_IMPORTS_REFUSED: {
    kind: 'user',
    text: 'the component imports something that it was not granted or that this node does not have',
    fix: 'grant what is missing in selvedge.toml, or build the component without it',
  },
  ERR_HANDLER_MISSING: {
    kind: 'user',
    text: 'the component does not export the handler that one of its triggers calls',
    fix: 'export the named interface, or take the trigger out of selvedge.toml',
  },
  ERR_FEATURE_MISSING: {
    kind: 'system',
    text: 'the component uses a WebAssembly feature that the Node.js of this machine lacks',
    fix: 'build it without that feature, or run the node with a newer Node.js',
  },
  ERR_MEMORY_LIMIT: {
    kind: 'user',
    text: 'the component asks for more memory at its start than its release allows',
    fix: 'raise `memory` under [limits] in selvedge.toml, or build the component with a smaller initial memory',
  },
  ERR_MEMORY_BUDGET: {
    kind: 'user',
    text: 'the node has not the memory for an app, beside what it runs already',
    fix: 'give the node more (`memory` under [limits] of its TOML), lower `memory` under [limits] in the app’s selvedge.toml to what it uses, or place another app elsewhere',
  },
  ERR_ADDRESS_SPACE: {
    kind: 'system',
    text: 'the process of the node has no addresses left for the memory of another instance',
    fix: 'start it with `node --disable-wasm-trap-handler` (Node.js 20.15 and later), raise its limit (ulimit -v, LimitAS=), or let the app run in a process of its own (`isolation = "process"`)',
  },
  ERR_PREPARE_MEMORY: {
    kind: 'user',
    text: 'turning the component into something this node can run took more memory than the node has for that',
    fix: 'give the node more (`memory` under [limits] of its TOML), build the component smaller, or place it on another node',
  },
  ERR_PREPARE_FAILED: {
    kind: 'system',
    text: 'turning the component into something this node can run did not finish',
    fix: 'try again; if it stays, the machine may be short of memory, or the component too large for it',
  },
  ERR_ENGINE_BUSY: {
    kind: 'system',
    text: 'too many components wait to be inspected or prepared',
    fix: 'wait a little and try again',
  },
  ERR_ENGINE_INCOMPLETE: {
    kind: 'system',
    text: 'a file of the engine is missing beside the program',
    fix: 'install Selvedge again; from a checkout run `npm run build`',
  },
  ERR_CACHE_ENTRY: {
    kind: 'system',
    text: 'the prepared form of a component is gone from the cache or is damaged',
    fix: 'nothing to do: the node prepares it again',
  },
  ERR_APP_START: {
    kind: 'user',
    text: 'an instance of the app could not be made',
    fix: 'see the message; `selvedge logs APP` has what the app wrote before',
  },
  ERR_APP_TRAP: {
    kind: 'user',
    text: 'the app trapped: its code did something WebAssembly forbids, or gave up',
    fix: 'see where in the message; the node starts a new instance by itself',
  },
  ERR_APP_DEADLINE: {
    kind: 'user',
    text: 'the app did not answer before its deadline and was stopped',
    fix: 'let it do less per event, or raise `deadline` under [limits] in selvedge.toml',
  },
  ERR_APP_MEMORY: {
    kind: 'user',
    text: 'the app needed more memory than its limit',
    fix: 'let it keep less, or raise `memory` under [limits] in selvedge.toml',
  },
  ERR_APP_EXIT: {
    kind: 'user',
    text: 'the app ended itself',
    fix: 'return an error instead of calling exit; the node starts a new instance by itself',
  },
  ERR_APP_HOST_FAULT: {
    kind: 'system',
    text: 'an interface of the node failed in a way that its contract does not allow',
    fix: 'this is a bug of the node; please report it with the message',
  },
  ERR_APP_STOPPED: {
    kind: 'system',
    text: 'the instance was stopped while the call was under way',
    fix: 'nothing to do: the node stops an instance when it swaps or ends an app',
  },
  ERR_APP_BUSY: {
    kind: 'system',
    text: 'too many calls wait for one instance',
    fix: 'call less often, or let the app answer faster',
  },
  ERR_APP_CRASH: {
    kind: 'system',
    text: 'the engine died under the app, in the process that was the app’s own',
    fix: 'nothing else was harmed, and the node starts a new one; if it comes back, report the component',
  },
  ERR_APP_NEIGHBOUR: {
    kind: 'system',
    text: 'another app held the thread that the app shares with it, and took it along',
    fix: 'nothing is wrong with this app, and the node starts it again; mend the other one, or run apps that must not share a fate in threads or processes of their own (`isolation`)',
  },
  ERR_APP_NOT_BEGUN: {
    kind: 'system',
    text: 'the instance ended before it came to this call',
    fix: 'nothing to do: the call had no effect, and the node makes it again where it may',
  },
  ERR_APP_EXPORT: {
    kind: 'user',
    text: 'the app has no export of that name',
    fix: 'see which exports it has in the message',
  },
})
