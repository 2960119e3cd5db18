/* Preloaded: counts the calls that touch files under a folder, and makes one of them fail or kill the process.

   faults_arm(folder, at, action, errno_, lasts): the `at`-th call from now on (from 1) that changes, opens or
   reads something under `folder` fails with `errno_` (action 0), or the process is killed before it (action 1).
   `lasts`: every writing call after it fails too, as on a full disk.
   faults_count(): calls since then. faults_name(): the name of the call that failed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char root[PATH_MAX];
static long left, counted;
static int action, error_number, lasts, failed;
static const char *failed_name = "";

void faults_arm(const char *folder, long at, int what, int number, int lasting) {
    snprintf(root, sizeof root, "%s", folder);
    left = at, counted = 0, action = what, error_number = number, lasts = lasting, failed = 0, failed_name = "";
}
void faults_disarm(void) { root[0] = 0; }
long faults_count(void) { return counted; }
int faults_failed(void) { return failed; }
const char *faults_name(void) { return failed_name; }

static int under(const char *path) {
    size_t length = strlen(root);
    return length && strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static int fd_under(int fd) {
    char link[64], path[PATH_MAX];
    if (!root[0]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return under(path);
}

static int at_under(int fd, const char *path) {
    if (!root[0] || !path) return 0;
    return path[0] == '/' || fd == AT_FDCWD ? under(path) : fd_under(fd);
}

/* Whether this call is to fail. */
static int strikes(int concerned, int writes, const char *name) {
    if (!concerned) return 0;
    counted++;
    if (failed && lasts && writes) return errno = error_number, 1;
    if (failed || --left != 0) return 0;
    if (action == 1) kill(getpid(), SIGKILL);
    if (lasts && !writes) { left = 1; return 0; }
    failed = 1, failed_name = name, errno = error_number;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define CALL(type, name, parameters, arguments, concerned, writes) \
    type name parameters { return strikes(concerned, writes, #name) ? (type)-1 : REAL(name) arguments; }

CALL(ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size), fd_under(fd), 1)
CALL(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at), fd_under(fd), 1)
CALL(ssize_t, pwrite64, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at), fd_under(fd), 1)
CALL(ssize_t, read, (int fd, void *data, size_t size), (fd, data, size), fd_under(fd), 0)
CALL(ssize_t, pread, (int fd, void *data, size_t size, off_t at), (fd, data, size, at), fd_under(fd), 0)
CALL(ssize_t, pread64, (int fd, void *data, size_t size, off_t at), (fd, data, size, at), fd_under(fd), 0)
CALL(int, fsync, (int fd), (fd), fd_under(fd), 1)
CALL(int, fdatasync, (int fd), (fd), fd_under(fd), 1)
CALL(int, ftruncate, (int fd, off_t size), (fd, size), fd_under(fd), 1)
CALL(int, ftruncate64, (int fd, off_t size), (fd, size), fd_under(fd), 1)
CALL(int, fchmod, (int fd, mode_t mode), (fd, mode), fd_under(fd), 0)
CALL(int, rename, (const char *old, const char *new), (old, new), under(new), 0)
CALL(int, renameat, (int from, const char *old, int to, const char *new), (from, old, to, new), at_under(to, new), 0)
CALL(int, link, (const char *old, const char *new), (old, new), under(new), 1)
CALL(int, linkat, (int from, const char *old, int to, const char *new, int flags), (from, old, to, new, flags),
     at_under(to, new), 1)
CALL(int, unlink, (const char *path), (path), under(path), 0)
CALL(int, unlinkat, (int fd, const char *path, int flags), (fd, path, flags), at_under(fd, path), 0)
CALL(int, mkdir, (const char *path, mode_t mode), (path, mode), under(path), 1)
CALL(int, mkdirat, (int fd, const char *path, mode_t mode), (fd, path, mode), at_under(fd, path), 1)
CALL(int, rmdir, (const char *path), (path), under(path), 0)
CALL(int, chmod, (const char *path, mode_t mode), (path, mode), under(path), 0)

#define OPENS(name, first, concerned)                                                             \
    int name first {                                                                              \
        mode_t mode = 0;                                                                          \
        if (flags & O_CREAT) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); } \
        if (strikes(concerned, (flags & O_CREAT) != 0, #name)) return -1;                         \
        return REALLY;                                                                            \
    }
#define REALLY REAL(open)(path, flags, mode)
OPENS(open, (const char *path, int flags, ...), under(path))
#undef REALLY
#define REALLY REAL(open64)(path, flags, mode)
OPENS(open64, (const char *path, int flags, ...), under(path))
#undef REALLY
#define REALLY REAL(openat)(fd, path, flags, mode)
OPENS(openat, (int fd, const char *path, int flags, ...), at_under(fd, path))
#undef REALLY
#define REALLY REAL(openat64)(fd, path, flags, mode)
OPENS(openat64, (int fd, const char *path, int flags, ...), at_under(fd, path))
