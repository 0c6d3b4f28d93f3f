/**
 * What is changed in the glue that jco's generator writes (jco-transpile 0.15.0): each change with the generator's
 * own lines, so that a new version of it no longer matches and a test says so.
 *
 * `always` holds for any component by itself. `plain` takes out the bookkeeping of asynchronous tasks and is
 * right only where all of it goes, which `glue.ts` sees to; `bounds` is for the rest.
 */
import { helpers } from './glue-helpers.ts'
import { rewriteOf, type Rewrite } from './glue-pattern.ts'

const lifted = `
  var § = §[(§ << 1) + 1] & ~T_FLAG;
  var § = §.get(§);
  if (!§) {
  § = Object.create(§.prototype);
  Object.defineProperty(§, symbolRscHandle, { writable: true, value: §});
  Object.defineProperty(§, symbolRscRep, { writable: true, value: §});
  }`

export const always: readonly Rewrite[] = [
  rewriteOf(
    'helpers',
    'export function instantiate(getCoreModule, imports, instantiateCore = WebAssembly.instantiate) {',
    `export function instantiate(getCoreModule, imports, instantiateCore, _takeTables = () => {}) {${helpers}`,
  ),
  // Lossy and without a leading byte order mark otherwise; the canonical ABI wants a trap, and the mark kept.
  rewriteOf(
    'fatal UTF-8',
    'const TEXT_DECODER_UTF8 = new TextDecoder();',
    "const TEXT_DECODER_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });",
  ),
  rewriteOf(
    'lifted string',
    'var § = TEXT_DECODER_UTF8.decode(new Uint8Array(§.buffer, §, §));',
    'var $1 = _text($2, $3, $4);',
  ),
  // slice() takes a pointer in the upper half of the memory for one from its end, and cuts instead of refusing.
  rewriteOf(
    'lifted bytes',
    `if (§ % 1 !== 0) throw new TypeError(§);
     var § = new Uint8Array(§.buffer.slice(§, § + § * 1));`,
    'var $3 = _bytes($4, $1, $7);',
  ),
  // A handle behind the end of the table was removed all the same, and then given to the next resource.
  rewriteOf(
    'removed handle',
    'const scope = table[handle << 1];',
    '_known(table, handle);\nconst scope = table[handle << 1];',
  ),
  rewriteOf(
    'lifted numbers',
    `if (§ % § !== 0) throw new TypeError(§);
     var § = new §(§.buffer.slice(§, § + § * §));`,
    'var $4 = _numbers($5, $6, $1, $9);',
  ),
  // Bytes of a typed array are in the order of the machine, those of a memory always little-endian.
  rewriteOf(
    'lowered numbers',
    'valData§ = new Uint8Array(val§.buffer || val§, val§.byteOffset, valLenBytes§);',
    'valData$1 = _lowered(val$2, valLenBytes$5);',
  ),
  // Elements are checked one by one; a negative number of them was none, and a large one the end of the process.
  rewriteOf(
    'lifted list',
    `if (base§ % § !== 0) throw new TypeError(§);
     var result§ = [];
     for (let i = 0; i < len§; i++) {
     const base = base§ + i * §;`,
    `_list(base$1, len$5, $7);
     if (base$1 % $2 !== 0) throw new TypeError($3);
     var result$4 = [];
     for (let i = 0; i < len$5; i++) {
     const base = base$6 + i * $7;`,
  ),
  // A record may have a field called to-string, and then is no text.
  rewriteOf(
    'declared error',
    'super(enumerable ? `${String(value)} (see error.payload)` : value);',
    "super(enumerable ? 'an error of the guest' : value);",
  ),
  rewriteOf(
    'tables',
    'let gen= (function* _initGenerator () {',
    '_takeTables(_resourceTables);\nlet gen= (function* _initGenerator () {',
  ),
]

const guestCall = `
  §_withGlobalCurrentTaskMeta({
  taskID: task.id(),
  componentIdx: task.componentIdx(),
  fn: () => §,
  });`

/** Where the bookkeeping stays: the bounds on what a call hands over, which `plain` sets on its own way. */
export const bounds: readonly Rewrite[] = [
  // Where there is none, the error of calling it quotes the call, for which V8 parses the whole component again: 3 ms each.
  rewriteOf(
    'asynchronous twin',
    '§Async = WebAssembly.promising(§);',
    'if (WebAssembly.promising === undefined) throw 0;\n$&',
  ),
  rewriteOf('bounded import', 'const _trampoline§ = function(§) {', '$&\n_newCall();'),
  rewriteOf('bounded export', guestCall, '$&\n_newCall();'),
  // Asynchronous functions lift by closures instead of lines: no list ends within another call's.
  rewriteOf(
    'bounded list',
    `const val = [];
     for (var i = 0; i < len; i++) {
     const elemPtr = dataPtr + i * elemSize32;
     ctx.storagePtr = elemPtr;
     const [res, nextCtx] = elemLiftFn(ctx);
     val.push(res);
     ctx = nextCtx;
     ctx.storagePtr = Math.max(ctx.storagePtr, elemPtr + elemSize32);
     }`,
    `_innerList(dataPtr, len, typedArray === undefined ? elemSize32 : 0);
     if (typedArray !== undefined && dataPtr + len * elemSize32 > ctx.memory.buffer.byteLength) _outside(dataPtr, len);
     const val = typedArray === undefined ? [] : new typedArray(len);
     for (var i = 0; i < len; i++) {
     const elemPtr = dataPtr + i * elemSize32;
     ctx.storagePtr = elemPtr;
     const [res, nextCtx] = elemLiftFn(ctx);
     val[i] = res;
     ctx = nextCtx;
     ctx.storagePtr = Math.max(ctx.storagePtr, elemPtr + elemSize32);
     }
     _listDepth -= 1;`,
  ),
  rewriteOf(
    'bounded string',
    'val = TEXT_DECODER_UTF8.decode(new Uint8Array(ctx.memory.buffer, start, codeUnits));',
    'if (_listDepth > 0) _charge(codeUnits);\n$&',
  ),
]

const inTask = (fn: string): string => `
  §_withGlobalCurrentTaskMeta({
  componentIdx: task.componentIdx(),
  taskID: task.id(),
  fn: () => ${fn},
  })
  ;`

/** A set of every handle ever made, which only resources between two components in one file ask for. */
export const createdReps: Rewrite = rewriteOf(
  'created reps',
  'table._createdReps.add(rep);',
  'if (free === 0) _grow(table);',
)

export const plain: readonly Rewrite[] = [
  createdReps,
  rewriteOf(
    'capture table',
    `const §= new Map();
     let §= 0;
     HANDLE_TABLES[§] = §;`,
    'const $1 = new _Captured();\nlet $2= 0;\nHANDLE_TABLES[$3] = $4;\n_resourceTable($4, $1);',
  ),
  rewriteOf(
    'next rep',
    `const rep = §[symbolRscRep] || ++captureCnt§;
     captureTable§.set(rep, §);`,
    'const rep = $1[symbolRscRep] || captureTable$2.next();\ncaptureTable$3.set(rep, $4);',
  ),
  // An object without substance stood in for a handle that does not exist.
  rewriteOf(
    'own resource',
    `${lifted}
     else {
     §.delete(§);
     }
     rscTableRemove(§, §);`,
    'var $4 = _taken($2, $5, $3);',
  ),
  rewriteOf('borrowed resource', `${lifted}\ncurResourceBorrows.push(§);`, 'var $4 = _borrowed($2, $5, $3);'),
  rewriteOf(
    'flags',
    `const instanceFlags0 = new WebAssembly.Global({ value: "i32", mutable: true }, 1);
     INSTANCE_FLAGS.set(0, instanceFlags0);`,
    'const instanceFlags0 = _flags;',
  ),
  rewriteOf(
    'may leave',
    'const _trampoline§ = function(§) {',
    'const _trampoline$1 = function($2) {\nif (_flags.value !== 1) _cannotLeave();\n_newCall();',
  ),
  rewriteOf(
    'drop',
    '§Object.assign(_guardMayLeave(0, trampoline§), { _jcoMaySuspend: false }),',
    '$1_guarded(trampoline$2),',
  ),
  rewriteOf(
    'import prologue',
    `const hostProvided = true;
     let parentTask;
     let task;
     let subtask;
     const createTask = () => {
     const results = createNewCurrentTask({
     componentIdx: -1,
     isAsync: false,
     entryFnName: §,
     getCallbackFn: () => null,
     callbackFnName: null,
     errHandling: §,
     callingWasmExport: false,
     });
     task = results[0];
     };
     taskCreation: {
     parentTask = getCurrentTask(
     0,
     _getGlobalCurrentTaskMeta(0)?.taskID,
     )?.task;
     if (!parentTask) {
     createTask();
     break taskCreation;
     }
     createTask();
     if (hostProvided) {
     subtask = parentTask.getLatestSubtask();
     if (!subtask) {
     throw new Error(§);
     }
     task.setParentSubtask(subtask);
     }
     }
     const started = task.enterSync();`,
    '',
  ),
  rewriteOf('host call', inTask('_trackHostOperation(() => §)'), '$1_settled($2);'),
  rewriteOf(
    'export prologue',
    `const hostProvided = false;
     getOrCreateAsyncState(0).throwIfTrapped();
     const [task, _wasm_call_currentTaskID] = createNewCurrentTask({
     componentIdx: 0,
     isAsync: false,
     isManualAsync: false,
     preserveFutureResult: false,
     entryFnName: §,
     getCallbackFn: () => null,
     callbackFnName: null,
     errHandling: §,
     callingWasmExport: true,
     });
     task.setCalleeIsAsync(false);
     const started = task.enterSync();
     CURRENT_TASK_MAY_BLOCK.value = task.mayBlock() ? 1 : 0;
     if (§!== null) {
     task.setReturnMemoryIdx(§);
     task.setReturnMemory((() => §)());
     }
     return _withGlobalCurrentTaskMeta({
     taskID: task.id(),
     componentIdx: task.componentIdx(),
     fn: () => {
     try {`,
    '_state.throwIfTrapped();\n{',
  ),
  rewriteOf('guest call', guestCall, '$1$2;\n_newCall();'),
  rewriteOf(
    'failed call',
    `getOrCreateAsyncState(0).markTrapped(err);
     task.setErrored(err);
     task.reject(err);
     task.exit();
     throw err;`,
    '_state.markTrapped(err);\nthrow err;',
  ),
  rewriteOf(
    'export epilogue',
    `} catch (err) {
     if (!task.isResolvedState()) {
     task.setErrored(err);
     task.reject(err);
     }
     if (!task.isExited()) { task.exit({ skipExclusiveLockCheck: true }); }
     throw err;
     }
     },
     });`,
    '}',
  ),
  rewriteOf(
    'freed result',
    'let cstate = getOrCreateAsyncState(0);\ncstate.mayLeave = false;',
    'const cstate = _state;\ncstate.mayLeave = false;',
  ),
  rewriteOf(
    'failed drop',
    'if (getOrCreateAsyncState(0).markTrapped(e)) { throw e; }',
    'if (_state.markTrapped(e)) { throw e; }',
  ),
  // Only asynchronous functions call those; making one costs a module of WebAssembly, or an error where there are none.
  rewriteOf(
    'asynchronous twin',
    `try {
     §Async = WebAssembly.promising(§);
     } catch(err) {
     §Async = §;
     }`,
    '',
  ),
  rewriteOf('task resolved', 'task.resolve([§]);', ''),
  rewriteOf('task left', 'task.exit();', ''),
]
