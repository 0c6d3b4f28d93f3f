/**
 * How a node's C library allocates, said to it by the only way there is: the environment that the process starts with.
 *
 * glibc gives each thread that asks at the same time as another an arena of its own, and keeps most of what is freed in
 * it. Of the 22 MB that a node had taken so after its start it used 8 (Node.js 24); bench/hosts says what one arena saves.
 * JavaScript's own memory is not in them, so that threads seldom wait for each other. Other C libraries do not read it.
 */
export const mallocSetting = 'MALLOC_ARENA_MAX=1'
