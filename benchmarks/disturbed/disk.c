/* A disk that is full from its n-th write on: loaded before the C library (LD_PRELOAD), told by ctypes.

   Counts writes and new files below one folder, by whoever makes them: Python, torch, SQLite, Pillow. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static char root[PATH_MAX];
static long room = -1;
static atomic_long done;

/* Below `folder`, so many writes succeed; -1: all of them. */
void full_disk(const char *folder, long writes) {
    snprintf(root, sizeof root, "%s/", folder);
    room = writes;
    done = 0;
}

/* How many writes there were. */
long full_disk_writes(void) { return done; }

static int is_full(const char *path) {
    if (!root[0] || strncmp(path, root, strlen(root))) return 0;
    long before = done++;
    if (room < 0 || before < room) return 0;
    errno = ENOSPC;
    return 1;
}

static int is_full_for(int file) {
    char link[64], path[PATH_MAX];
    if (!root[0]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_full(path);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define WRITER(name, result, arguments, given)                                                                 \
    result name arguments {                                                                                    \
        static result(*next) arguments;                                                                        \
        if (!next) next = NEXT(name);                                                                          \
        return is_full_for(file) ? -1 : next given;                                                            \
    }
#define OPENER(name)                                                                                           \
    int name(const char *path, int flags, ...) {                                                               \
        static int (*next)(const char *, int, ...);                                                            \
        if (!next) next = NEXT(name);                                                                          \
        va_list more;                                                                                          \
        va_start(more, flags);                                                                                 \
        int mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, int) : 0;                                    \
        va_end(more);                                                                                          \
        if ((flags & O_CREAT) && access(path, F_OK) && is_full(path)) return -1;                               \
        return next(path, flags, mode);                                                                        \
    }

WRITER(write, ssize_t, (int file, const void *from, size_t size), (file, from, size))
WRITER(pwrite, ssize_t, (int file, const void *from, size_t size, off_t place), (file, from, size, place))
WRITER(pwrite64, ssize_t, (int file, const void *from, size_t size, off64_t place), (file, from, size, place))
WRITER(writev, ssize_t, (int file, const struct iovec *from, int parts), (file, from, parts))
OPENER(open)
OPENER(open64)
