/**
 * What is changed in the glue of asynchronous components (jco-transpile 0.15.0): it keeps every stream, future and
 * buffer that ever crossed, some 200 KB of an HTTP request, and finds out by timers what happened. Here each is let go
 * of when nobody can reach it, and whoever waits is told.
 *
 * As the canonical ABI has it (`lift_stream`, `lift_future`), an end that a guest gives away leaves its table of
 * handles, and the other end of what its host made was never in it.
 */
import { rewriteOf, type Rewrite } from './glue-pattern.ts'

/** Functions that the rewritten lines call, beside the generator's own. */
const helpers = `
  const _itself = { insert: (value) => value, get: (value) => value };
  function _giveAway(tables, tableIdx, end) {
    const { table, componentIdx } = tables[tableIdx];
    const { handles } = getOrCreateAsyncState(componentIdx);
    if (handles.get(end.waitableIdx()) !== end) return;
    handles.remove(end.waitableIdx());
    table.remove(end.handle());
  }
  function _takeBack(tables, tableIdx, end) {
    const { table, componentIdx } = tables[tableIdx];
    const { handles } = getOrCreateAsyncState(componentIdx);
    if (handles.get(end.waitableIdx()) !== end) {
      end.setWaitableIdx(handles.insert(end));
      end.setHandle(table.insert(end));
    }
    return end.waitableIdx();
  }
  function _started(task, running) {
    if (task.hasCallback() || !(running instanceof Promise)) return running;
    // Once its stack waits: a trap before that still rejects the call.
    const settle = () => setImmediate(() => task.settleCompletion());
    if (task.isResolvedState()) settle();
    else task.registerOnResolveHandler(settle);
    const ended = running.then(
      () => {
        if (!task.isResolvedState()) throw new WebAssembly.RuntimeError('an asynchronous function ended without a result');
        task.exit();
      },
    );
    ended.catch((err) => {
      if (task.isResolvedState()) getOrCreateAsyncState(task.componentIdx()).markTrapped(err);
    });
    return Promise.race([ended, task.completionPromise()]);
  }
  async function _eventOf(end) {
    const waitable = end.getWaitable();
    while (!end.hasPendingEvent()) {
      await new Promise((resolve) => {
        const others = waitable.awaited;
        waitable.awaited = () => {
          others?.();
          setImmediate(resolve);
        };
      });
    }
  }`

export const letGo: readonly Rewrite[] = [
  rewriteOf('async helpers', 'const ASYNC_STATE = new Map();', `$&${helpers}`),
  // By number they were kept for ever. Whoever holds a stream can as well hold what it stands for.
  rewriteOf(
    'kept streams',
    "const STREAMS = new RepTable({ target: 'global stream map' });",
    'const STREAMS = _itself;',
  ),
  rewriteOf(
    'kept futures',
    "const FUTURES = new RepTable({ target: 'global future map' });",
    'const FUTURES = _itself;',
  ),
  // Nobody asks for a buffer by its number.
  rewriteOf('kept buffers', 'instanceBuffers.set(nextBufID, buffer);', ''),
  // A task that ended while a later one ran stayed.
  rewriteOf(
    'ended task',
    `if (last.id !== taskID) {
     // throw new Error('current task does not match expected task ID');
     return;
     }`,
    `if (last.id !== taskID) {
     const at = tasks.findIndex((meta) => meta.id === taskID);
     if (at >= 0) tasks.splice(at, 1);
     return;
     }`,
  ),
  rewriteOf(
    'current tasks',
    `ASYNC_CURRENT_TASK_IDS.push(newTaskID);
     ASYNC_CURRENT_COMPONENT_IDXS.push(componentIdx);`,
    '',
  ),
  rewriteOf(
    'host stream',
    'const pendingValues = new PendingValueQueue(readFn, elemMeta);',
    '$&\n_giveAway(STREAM_TABLES, hostWriteEnd.streamTableIdx(), hostWriteEnd);',
  ),
  rewriteOf(
    'host future',
    'const { promise, hostWriteEnd, stringEncoding, getReallocFn } = genArgs;',
    '$&\n_giveAway(FUTURE_TABLES, hostWriteEnd.futureTableIdx(), hostWriteEnd);',
  ),
  rewriteOf(
    'given stream',
    `if (streamEnd.isInSet()) { throw new WebAssemblyRuntimeError("cannot lift stream while it's in a waitable set"); }`,
    '$&\n_giveAway(STREAM_TABLES, streamEnd.streamTableIdx(), streamEnd);',
  ),
  rewriteOf(
    'given future',
    `if (futureEnd.isInSet()) { throw new WebAssemblyRuntimeError("cannot lift future while it's in a waitable set"); }`,
    '$&\n_giveAway(FUTURE_TABLES, futureEnd.futureTableIdx(), futureEnd);',
  ),
  // Looked every millisecond, also for what never came: an instance that was given up was looked at for ever.
  rewriteOf(
    'awaited event',
    `await new Promise((resolve) => {
     let waitInterval = setInterval(§() => {
     if (!this.hasPendingEvent()) { return; }
     clearInterval(waitInterval);
     resolve();
     });
     });`,
    'await _eventOf(this);',
  ),
  rewriteOf(
    'told event',
    `setPendingEvent(fn) {
     this.#pendingEventFn = fn;
     }`,
    `setPendingEvent(fn) {
     this.#pendingEventFn = fn;
     const { awaited } = this;
     this.awaited = undefined;
     awaited?.();
     ASYNC_STATE.get(this.#componentIdx)?.lookAgain();
     }`,
  ),
  // Began ten milliseconds late, and looked every ten whether a task may go on; now also whenever something happened.
  rewriteOf(
    'tick loop',
    `async runTickLoop() {
     if (this.#tickLoop !== null) { return; }
     this.#tickLoop = 1;
     setTimeout(async () => {`,
    `lookAgain() {}
     async runTickLoop() {
     if (this.#tickLoop !== null) { this.lookAgain(); return; }
     this.#tickLoop = 1;
     setImmediate(async () => {`,
  ),
  rewriteOf(
    'tick',
    `const delay = result === ComponentAsyncState.TickResult.RESUMED ? 0 : 10;
     await new Promise((resolve) => setTimeout(resolve, delay));
     result = this.tick();
     }
     this.#tickLoop = null;
     }, 10);`,
    `await new Promise((resolve) => {
     if (result === ComponentAsyncState.TickResult.RESUMED) { setImmediate(resolve); return; }
     const timer = setTimeout(resolve, 10);
     this.lookAgain = () => {
     this.lookAgain = () => {};
     clearTimeout(timer);
     setImmediate(resolve);
     };
     });
     this.lookAgain = () => {};
     result = this.tick();
     }
     this.#tickLoop = null;
     });`,
  ),
  // An empty read says that there is something to learn, the end too; whoever took no notice of an end trapped.
  rewriteOf(
    'empty read at the end',
    `if (pendingValues.length > 0) {
     // Readiness signal for a zero-length read: complete it with zero
     // items rather than draining/buffering one (which the wasmtime
     // host contract warns can be lost, and which stores a pending
     // write that corrupts the next read's rendezvous).
     readEnd.resetAndNotifyPending(readEnd.constructor.CopyResult.COMPLETED);
     } else if (pendingValues.done) {`,
    `if (pendingValues.length > 0 || pendingValues.done) {
     readEnd.resetAndNotifyPending(readEnd.constructor.CopyResult.COMPLETED);
     } else if (pendingValues.done) {`,
  ),
  // So it does where a read that was cancelled finds the end, and an empty one has taken its place.
  rewriteOf(
    'empty read after a cancelled one',
    `if (pendingValues.done && values.length === 0) {
     hostWriteEnd.getPendingEvent();
     hostWriteEnd.drop();
     return doNothingFn;
     }`,
    `if (pendingValues.done && values.length === 0) {
     if (readEnd.getPendingBufferMeta().buffer?.remaining() === 0) {
     readEnd.resetAndNotifyPending(readEnd.constructor.CopyResult.COMPLETED);
     return doNothingFn;
     }
     hostWriteEnd.getPendingEvent();
     hostWriteEnd.drop();
     return doNothingFn;
     }`,
  ),
  // A function without a callback ("stackful") was given a second result when it ended, and none before.
  rewriteOf(
    'stackful call',
    `ret =  await _withGlobalCurrentTaskMeta({
     taskID: task.id(),
     componentIdx: task.componentIdx(),
     fn: () => §,
     });`,
    `ret = await _started(task, _withGlobalCurrentTaskMeta({
     taskID: task.id(),
     componentIdx: task.componentIdx(),
     fn: () => $1,
     }));`,
  ),
  rewriteOf(
    'stackful end',
    `if (!task.hasCallback()) {
     task.resolve([ret]);
     task.exit();
     return ret;
     }`,
    '',
  ),
  rewriteOf(
    'stackful loop',
    'queueMicrotask(async (resolve, reject) => {',
    'if (task.hasCallback()) queueMicrotask(async (resolve, reject) => {',
  ),
  // A stream that comes back to its guest: by what it is, not by the number of the host's wrapper.
  rewriteOf('returned stream', 'globalRep: this.#rep,', 'globalRep: streamEnd.globalStreamMapRep(),'),
  rewriteOf(
    'returned handle',
    'waitableIdx = internalStream.readEnd().waitableIdx();',
    'waitableIdx = _takeBack(STREAM_TABLES, internalStream.readEnd().streamTableIdx(), internalStream.readEnd());',
  ),
]
