/*
 * A power cut under a real program: preloaded into it, this remembers every change of the files in one folder until it is
 * flushed, and at a chosen step takes back what a disk may lose, then ends the process.
 *
 *   POWER_DIR     folder that is watched, absolute
 *   POWER_HIDDEN  an empty folder beside it, on the same file system
 *   POWER_STEP    the power fails before this step (writes, lengths, names, flushes; from 1)
 *   POWER_MODE    lost: all that was not flushed; mixed: each piece by chance, torn at 512 bytes, and the latest names
 *   POWER_SEED    of that chance
 *
 * A flush of a file keeps its bytes, a flush of a folder the names in it, as POSIX has it: what journalling file systems
 * keep beyond that is not counted on. Bytes are lost in any order, names only from the latest on: they are in a journal.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct change {
  struct change *next; /* older */
  int is_length;
  off_t at, old_size, new_size;
  size_t length, had; /* bytes written, and bytes that were there before */
  char *new_bytes, *old_bytes;
};

struct file {
  struct file *next;
  dev_t dev;
  ino_t ino;
  int fd;
  struct change *changes;
};

enum kind { CREATED, RENAMED, REMOVED, FOLDER, NO_FOLDER };
struct name {
  struct name *next; /* older */
  enum kind kind;
  char path[PATH_MAX], to[PATH_MAX], kept[PATH_MAX];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char dir[PATH_MAX], hidden[PATH_MAX];
static long step, cut_at, names_kept;
static int mixed;
static uint64_t seed;
static struct file *files;
static struct name *names;

static uint32_t chance(uint32_t below) {
  seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
  return (uint32_t)(seed >> 33) % below;
}

__attribute__((constructor)) static void begin(void) {
  const char *text = getenv("POWER_DIR");
  if (text == NULL) return;
  snprintf(dir, sizeof dir, "%s", text);
  snprintf(hidden, sizeof hidden, "%s", getenv("POWER_HIDDEN"));
  text = getenv("POWER_STEP");
  cut_at = text == NULL ? 0 : atol(text);
  text = getenv("POWER_MODE");
  mixed = text != NULL && strcmp(text, "mixed") == 0;
  text = getenv("POWER_SEED");
  seed = (text == NULL ? 1 : strtoull(text, NULL, 10)) * 2654435761ULL + 12345;
}

static int real_open(const char *path, int flags, mode_t mode) {
  return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode);
}
static ssize_t real_pwrite(int fd, const void *bytes, size_t length, off_t at) {
  return syscall(SYS_pwrite64, fd, bytes, length, at);
}
static ssize_t real_pread(int fd, void *bytes, size_t length, off_t at) {
  return syscall(SYS_pread64, fd, bytes, length, at);
}
static int real_rename(const char *from, const char *to) {
  return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}
static int real_unlink(const char *path) { return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0); }

static int watched(const char *path) {
  size_t length = strlen(dir);
  return length > 0 && strncmp(path, dir, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static int path_of(int fd, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return watched(path);
}

static void keep_changes(struct file *file) {
  while (file->changes != NULL) {
    struct change *change = file->changes;
    file->changes = change->next;
    free(change->new_bytes);
    free(change->old_bytes);
    free(change);
  }
}

static void lose_changes(struct file *file) {
  struct change *oldest = NULL;
  /* Back to what was flushed, the latest first; that also turns the list around. */
  for (struct change *change = file->changes; change != NULL;) {
    struct change *next = change->next;
    if (change->had > 0) real_pwrite(file->fd, change->old_bytes, change->had, change->at);
    syscall(SYS_ftruncate, file->fd, change->old_size);
    change->next = oldest;
    oldest = change;
    change = next;
  }
  if (!mixed) return;
  for (struct change *change = oldest; change != NULL; change = change->next) {
    if (chance(2) == 0) continue;
    if (change->is_length) {
      syscall(SYS_ftruncate, file->fd, change->new_size);
      continue;
    }
    size_t length = change->length;
    if (chance(4) == 0) length = length / 512 * 512 == 0 ? length : 512 * chance((uint32_t)(length / 512));
    real_pwrite(file->fd, change->new_bytes, length, change->at);
  }
}

static void lose_name(struct name *name) {
  char away[PATH_MAX];
  if (name->kind == RENAMED) {
    real_rename(name->to, name->path);
    if (name->kept[0] != 0) real_rename(name->kept, name->to);
  } else if (name->kind == REMOVED) {
    real_rename(name->kept, name->path);
  } else if (name->kind == NO_FOLDER) {
    syscall(SYS_mkdirat, AT_FDCWD, name->path, 0700);
  } else {
    snprintf(away, sizeof away, "%.2000s/lost-%ld", hidden, names_kept++);
    real_rename(name->path, away);
  }
}

static void cut(void) {
  long lost = 0, total = 0;
  for (struct file *file = files; file != NULL; file = file->next) lose_changes(file);
  for (struct name *name = names; name != NULL; name = name->next) total += 1;
  lost = mixed ? (long)chance((uint32_t)total + 1) : total;
  for (struct name *name = names; name != NULL && lost > 0; name = name->next, lost -= 1) lose_name(name);
  syscall(SYS_exit_group, 99);
}

/* Before anything is changed or flushed; with the lock held. */
static void take_step(void) {
  step += 1;
  if (cut_at != 0 && step == cut_at) cut();
}

static struct file *file_of(int fd) {
  struct stat facts;
  if (syscall(SYS_fstat, fd, &facts) != 0 || !S_ISREG(facts.st_mode)) return NULL;
  for (struct file *file = files; file != NULL; file = file->next)
    if (file->ino == facts.st_ino && file->dev == facts.st_dev) return file;
  struct file *file = calloc(1, sizeof *file);
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  file->dev = facts.st_dev;
  file->ino = facts.st_ino;
  file->fd = real_open(link, O_RDWR, 0);
  file->next = files;
  files = file;
  return file;
}

static struct change *remember(struct file *file, off_t at, size_t length) {
  struct stat facts;
  struct change *change = calloc(1, sizeof *change);
  syscall(SYS_fstat, file->fd, &facts);
  change->at = at;
  change->old_size = facts.st_size;
  change->length = length;
  change->old_bytes = malloc(length + 1);
  ssize_t had = real_pread(file->fd, change->old_bytes, length, at);
  change->had = had > 0 ? (size_t)had : 0;
  change->next = file->changes;
  file->changes = change;
  return change;
}

static void remember_write(int fd, const void *bytes, size_t length, off_t at) {
  struct file *file = file_of(fd);
  if (file == NULL) return;
  struct change *change = remember(file, at, length);
  change->new_bytes = malloc(length + 1);
  memcpy(change->new_bytes, bytes, length);
}

static void remember_length(int fd, off_t size) {
  struct file *file = file_of(fd);
  struct stat facts;
  if (file == NULL || syscall(SYS_fstat, fd, &facts) != 0) return;
  off_t cut_off = facts.st_size > size ? facts.st_size - size : 0;
  struct change *change = remember(file, size, (size_t)cut_off);
  change->is_length = 1;
  change->new_size = size;
}

static struct name *remember_name(enum kind kind, const char *path) {
  struct name *name = calloc(1, sizeof *name);
  name->kind = kind;
  snprintf(name->path, sizeof name->path, "%s", path);
  name->next = names;
  names = name;
  return name;
}

static void keep_file(struct name *name, const char *path) {
  snprintf(name->kept, sizeof name->kept, "%.2000s/kept-%ld", hidden, names_kept++);
  if (syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, name->kept, 0) != 0) name->kept[0] = 0;
}

static int is_in(const char *path, const char *folder) {
  const char *slash = strrchr(path, '/');
  return slash != NULL && (size_t)(slash - path) == strlen(folder) && strncmp(path, folder, strlen(folder)) == 0;
}

static void flushed_folder(const char *folder) {
  for (struct name **at = &names; *at != NULL;) {
    struct name *name = *at;
    int there = is_in(name->path, folder), here = name->kind == RENAMED && is_in(name->to, folder);
    /* A rename from one folder to another is kept as soon as either is: it is one step in the journal. */
    if (there || here) {
      *at = name->next;
      if (name->kept[0] != 0) real_unlink(name->kept);
      free(name);
    } else {
      at = &name->next;
    }
  }
}

static int watched_fd(int fd) {
  char path[PATH_MAX];
  return dir[0] != 0 && path_of(fd, path);
}

static ssize_t write_at(int fd, const void *bytes, size_t length, off_t at) {
  if (!watched_fd(fd)) return real_pwrite(fd, bytes, length, at);
  pthread_mutex_lock(&lock);
  take_step();
  remember_write(fd, bytes, length, at);
  ssize_t done = real_pwrite(fd, bytes, length, at);
  pthread_mutex_unlock(&lock);
  return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return write_at(fd, bytes, length, at); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) { return write_at(fd, bytes, length, at); }

/* Where it goes is asked for; appending is always at the end. */
static ssize_t write_here(int fd, const void *bytes, size_t length) {
  if (!watched_fd(fd)) return syscall(SYS_write, fd, bytes, length);
  struct stat facts;
  pthread_mutex_lock(&lock);
  take_step();
  int flags = (int)syscall(SYS_fcntl, fd, F_GETFL);
  syscall(SYS_fstat, fd, &facts);
  off_t at = flags & O_APPEND ? facts.st_size : (off_t)syscall(SYS_lseek, fd, 0, SEEK_CUR);
  remember_write(fd, bytes, length, at);
  ssize_t done = syscall(SYS_write, fd, bytes, length);
  pthread_mutex_unlock(&lock);
  return done;
}

ssize_t write(int fd, const void *bytes, size_t length) { return write_here(fd, bytes, length); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
  if (!watched_fd(fd)) return syscall(SYS_writev, fd, parts, count);
  return count == 0 ? 0 : write_here(fd, parts[0].iov_base, parts[0].iov_len);
}

static ssize_t writev_at(int fd, const struct iovec *parts, int count, off_t at) {
  return count == 0 ? 0 : write_at(fd, parts[0].iov_base, parts[0].iov_len, at);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { return writev_at(fd, parts, count, at); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at) { return writev_at(fd, parts, count, at); }

static int set_length(int fd, off_t size) {
  if (!watched_fd(fd)) return (int)syscall(SYS_ftruncate, fd, size);
  pthread_mutex_lock(&lock);
  take_step();
  remember_length(fd, size);
  int done = (int)syscall(SYS_ftruncate, fd, size);
  pthread_mutex_unlock(&lock);
  return done;
}
int ftruncate(int fd, off_t size) { return set_length(fd, size); }
int ftruncate64(int fd, off_t size) { return set_length(fd, size); }

static int flush(int fd, long call) {
  char path[PATH_MAX];
  struct stat facts;
  if (dir[0] == 0 || !path_of(fd, path)) return (int)syscall(call, fd);
  pthread_mutex_lock(&lock);
  take_step();
  if (syscall(SYS_fstat, fd, &facts) == 0 && S_ISDIR(facts.st_mode)) flushed_folder(path);
  else {
    struct file *file = file_of(fd);
    if (file != NULL) keep_changes(file);
  }
  pthread_mutex_unlock(&lock);
  /* The machine itself keeps its power. */
  return 0;
}
int fsync(int fd) { return flush(fd, SYS_fsync); }
int fdatasync(int fd) { return flush(fd, SYS_fdatasync); }

static int open_file(const char *path, int flags, mode_t mode) {
  if (!watched(path) || (flags & (O_CREAT | O_TRUNC)) == 0) return real_open(path, flags, mode);
  struct stat facts;
  pthread_mutex_lock(&lock);
  int was_there = syscall(SYS_newfstatat, AT_FDCWD, path, &facts, 0) == 0;
  if (!was_there) take_step();
  int fd = real_open(path, flags & ~O_TRUNC, mode);
  if (fd >= 0 && !was_there) remember_name(CREATED, path);
  if (fd >= 0 && was_there && (flags & O_TRUNC) != 0 && facts.st_size > 0) {
    remember_length(fd, 0);
    syscall(SYS_ftruncate, fd, 0);
  }
  pthread_mutex_unlock(&lock);
  return fd;
}

static mode_t mode_of(int flags, va_list list) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0; }
#define OPENER(NAME)                                  \
  int NAME(const char *path, int flags, ...) {        \
    va_list list;                                     \
    va_start(list, flags);                            \
    mode_t mode = mode_of(flags, list);               \
    va_end(list);                                     \
    return open_file(path, flags, mode);              \
  }
OPENER(open)
OPENER(open64)

int rename(const char *from, const char *to) {
  if (!watched(from)) return real_rename(from, to);
  pthread_mutex_lock(&lock);
  take_step();
  struct name *name = remember_name(RENAMED, from);
  snprintf(name->to, sizeof name->to, "%s", to);
  keep_file(name, to);
  int done = real_rename(from, to);
  if (done != 0) {
    names = name->next;
    free(name);
  }
  pthread_mutex_unlock(&lock);
  return done;
}

int unlink(const char *path) {
  if (!watched(path)) return real_unlink(path);
  pthread_mutex_lock(&lock);
  take_step();
  struct name *name = remember_name(REMOVED, path);
  keep_file(name, path);
  int done = real_unlink(path);
  if (done != 0) {
    names = name->next;
    free(name);
  }
  pthread_mutex_unlock(&lock);
  return done;
}

int mkdir(const char *path, mode_t mode) {
  if (!watched(path)) return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
  pthread_mutex_lock(&lock);
  take_step();
  int done = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
  if (done == 0) remember_name(FOLDER, path);
  pthread_mutex_unlock(&lock);
  return done;
}

int rmdir(const char *path) {
  if (!watched(path)) return (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
  pthread_mutex_lock(&lock);
  take_step();
  int done = (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
  if (done == 0) remember_name(NO_FOLDER, path);
  pthread_mutex_unlock(&lock);
  return done;
}
