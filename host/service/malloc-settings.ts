/**
 * How a node's C library allocates, said to it by the only way there is: the environment that the process starts with.
 *
 * glibc gives threads that ask at the same time an arena each, and keeps in it what is freed; and once it has given back a
 * large piece it takes pieces up to that size from there too, and gives no more of it back (mallopt(3), M_TRIM_THRESHOLD).
 * Of the 22 MB that a node had so after its start it used 8. One arena, and a bound that stays as it is, save 6 to 20 of 110
 * (bench/hosts). JavaScript's own memory is not in them, so threads seldom wait. Other C libraries do not read this.
 */
export const mallocSettings = 'MALLOC_ARENA_MAX=1 MALLOC_TRIM_THRESHOLD_=131072'
