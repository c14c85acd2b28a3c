/* Stands before fsync and fdatasync of another process.
 * SYNC_FAULT_FROM=n: the n-th call and all later ones fail with EIO.
 * SYNC_LOG=file:     for each call that succeeds, the length of the file and its path. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_long calls;

static int stand_before(int fd, const char *name) {
    const char *from = getenv("SYNC_FAULT_FROM");
    long call = atomic_fetch_add(&calls, 1) + 1;
    if (from && call >= atol(from)) {
        errno = EIO;
        return -1;
    }
    struct stat before;
    int known = fstat(fd, &before) == 0;
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    int result = real(fd);
    const char *log = getenv("SYNC_LOG");
    if (result == 0 && known && log) {
        char link[64], path[4096];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, path, sizeof path - 1);
        int out = open(log, O_WRONLY | O_APPEND | O_CREAT, 0600);
        if (length > 0 && out >= 0) {
            path[length] = 0;
            dprintf(out, "%lld %s\n", (long long)before.st_size, path);
        }
        if (out >= 0) close(out);
    }
    return result;
}

int fsync(int fd) { return stand_before(fd, "fsync"); }
int fdatasync(int fd) { return stand_before(fd, "fdatasync"); }
