/* Preloaded into a process, it writes down what the process does to files under a folder: each write, cut and sync.
   From that record a test builds the files as they would be had the power gone at any moment.

   Record: op (1 byte: W write, T cut, S sync, U unlink), length of path (u16), path, offset or size (i64),
   length (u32), data. Environment: RECORD_FOLDER, RECORD_TO. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int record = -1;

static void put(const void *data, size_t length) {
    static ssize_t (*next)(int, const void *, size_t);
    if (!next) next = dlsym(RTLD_NEXT, "write");
    const char *from = data;
    while (length) {
        ssize_t done = next(record, from, length);
        if (done <= 0) abort();
        from += done, length -= done;
    }
}

static void note(char op, const char *path, int64_t place, const void *data, uint32_t length) {
    const char *folder = getenv("RECORD_FOLDER"), *to = getenv("RECORD_TO");
    if (!folder || !to || strncmp(path, folder, strlen(folder))) return;
    /* The index of the log is shared memory: it is made anew from the log. */
    size_t size = strlen(path);
    if (size > 4 && !strcmp(path + size - 4, "-shm")) return;
    pthread_mutex_lock(&lock);
    if (record < 0) record = open(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    uint16_t short_size = size;
    put(&op, 1), put(&short_size, 2), put(path, size), put(&place, 8), put(&length, 4), put(data, length);
    pthread_mutex_unlock(&lock);
}

static void note_fd(char op, int fd, int64_t place, const void *data, uint32_t length) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size <= 0) return;
    path[size] = 0;
    note(op, path, place, data, length);
}

#define NEXT(name, type) static type next; if (!next) next = (type)dlsym(RTLD_NEXT, #name)

typedef ssize_t (*pwrite_t)(int, const void *, size_t, off_t);
typedef ssize_t (*write_t)(int, const void *, size_t);
typedef int (*sync_t)(int);
typedef int (*cut_t)(int, off_t);
typedef int (*unlink_t)(const char *);

ssize_t pwrite(int fd, const void *data, size_t length, off_t place) {
    NEXT(pwrite, pwrite_t);
    ssize_t done = next(fd, data, length, place);
    if (done > 0) note_fd('W', fd, place, data, done);
    return done;
}

ssize_t pwrite64(int fd, const void *data, size_t length, off_t place) {
    NEXT(pwrite64, pwrite_t);
    ssize_t done = next(fd, data, length, place);
    if (done > 0) note_fd('W', fd, place, data, done);
    return done;
}

ssize_t write(int fd, const void *data, size_t length) {
    NEXT(write, write_t);
    off_t place = lseek(fd, 0, SEEK_CUR);
    ssize_t done = next(fd, data, length);
    if (done > 0 && place >= 0) note_fd('W', fd, place, data, done);
    return done;
}

int fsync(int fd) {
    NEXT(fsync, sync_t);
    int done = next(fd);
    if (!done) note_fd('S', fd, 0, "", 0);
    return done;
}

int fdatasync(int fd) {
    NEXT(fdatasync, sync_t);
    int done = next(fd);
    if (!done) note_fd('S', fd, 0, "", 0);
    return done;
}

int ftruncate(int fd, off_t size) {
    NEXT(ftruncate, cut_t);
    int done = next(fd, size);
    if (!done) note_fd('T', fd, size, "", 0);
    return done;
}

int ftruncate64(int fd, off_t size) {
    NEXT(ftruncate64, cut_t);
    int done = next(fd, size);
    if (!done) note_fd('T', fd, size, "", 0);
    return done;
}

int unlink(const char *path) {
    NEXT(unlink, unlink_t);
    int done = next(path);
    if (!done) note('U', path, 0, "", 0);
    return done;
}
