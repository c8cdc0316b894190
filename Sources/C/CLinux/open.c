// open(2) for the whole process, because of one caller. libdispatch, on whose threads Swift's tasks run, looks once a
// second how many of its busy threads are runnable, by opening /proc/<thread>/stat, and takes a failure for a thread
// that has vanished: it ends the process. So a daemon that is out of descriptors would be killed by its own pool.
// https://github.com/swiftlang/swift-corelibs-libdispatch/blob/main/src/event/workqueue.c
//
// It is told a number that is no descriptor instead: its read fails, it counts no runnable thread, and goes on.
#undef _FORTIFY_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
// They have one of their own.
#define CLinux_KEEPS_OPEN 1
#endif
#endif

#ifndef CLinux_KEEPS_OPEN
static int is_monitor(const char *path, int flags) {
    static const char folder[] = "/proc/";
    if (flags != (O_RDONLY | O_NONBLOCK) || strncmp(path, folder, sizeof folder - 1) != 0) return 0;
    const char *rest = path + sizeof folder - 1;
    if (!isdigit((unsigned char)*rest)) return 0;
    while (isdigit((unsigned char)*rest)) rest++;
    return strcmp(rest, "/stat") == 0;
}

int open(const char *path, int flags, ...) {
    int mode = 0;
    if (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) {
        va_list rest;
        va_start(rest, flags);
        mode = va_arg(rest, int);
        va_end(rest);
    }
    int descriptor = openat(AT_FDCWD, path, flags, mode);
    if (descriptor < 0 && (errno == EMFILE || errno == ENFILE) && is_monitor(path, flags)) return INT_MAX;
    return descriptor;
}
#endif
