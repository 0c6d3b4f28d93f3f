/**
 * WASI preview1 by its names: what a core module may import, and what its `_start` is called by. Kept apart from
 * what implements it, which only sandboxes load.
 */

/** The one module that a core module may import from. */
export const preview1Interface = 'wasi_snapshot_preview1'

/** A command's `_start` answers to the name that a component's command has. */
export const runInterface = 'wasi:cli/run@0.2.12'

/** Every function of the snapshot's witx (WebAssembly/WASI, legacy/preview1). */
export const preview1Functions: ReadonlySet<string> = new Set(
  (
    'args_get args_sizes_get environ_get environ_sizes_get clock_res_get clock_time_get ' +
    'fd_advise fd_allocate fd_close fd_datasync fd_fdstat_get fd_fdstat_set_flags ' +
    'fd_fdstat_set_rights fd_filestat_get fd_filestat_set_size fd_filestat_set_times ' +
    'fd_pread fd_prestat_get fd_prestat_dir_name fd_pwrite fd_read fd_readdir fd_renumber ' +
    'fd_seek fd_sync fd_tell fd_write path_create_directory path_filestat_get ' +
    'path_filestat_set_times path_link path_open path_readlink path_remove_directory ' +
    'path_rename path_symlink path_unlink_file poll_oneoff proc_exit proc_raise sched_yield ' +
    'random_get sock_accept sock_recv sock_send sock_shutdown'
  ).split(' '),
)
