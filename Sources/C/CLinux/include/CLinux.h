// The door to Linux calls that Glibc's module map hides or that are macros or variadic.
#ifndef CLinux_H
#define CLinux_H
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Glibc's pthread_setname_np is hidden without _GNU_SOURCE, which Swift's importer does not define.
static inline int CLinux_name_current_thread(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }

// No core dump of this process, and no tracing by others of its user: its memory holds tokens.
static inline int CLinux_keep_memory_private(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

// So many heaps for all threads together, instead of up to eight for each processor. Before the second thread starts.
static inline int CLinux_share_heaps(int heaps) { return mallopt(M_ARENA_MAX, heaps); }

// errno is a macro over a function call; Swift reads it through this.
static inline int CLinux_errno(void) { return errno; }

// environ is a mutable global, which Swift 6 does not let any code touch.
static inline char **CLinux_environment(void) { return __environ; }

// open(2) is variadic.
static inline int CLinux_open(const char *path, int flags, unsigned int mode) { return open(path, flags, mode); }

// accept4 is hidden without _GNU_SOURCE.
int CLinux_accept(int listener);

// fcntl(2) is variadic.
static inline int CLinux_set_nonblocking(int descriptor) {
    int flags = fcntl(descriptor, F_GETFL);
    return flags < 0 ? flags : fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
}

// Locks one byte of a file for this open file description, and waits for whoever has it. F_OFD_SETLKW is hidden without
// _GNU_SOURCE.
int CLinux_lock_byte(int descriptor, long long place);

// Whether another process, which is made for that and ends, gets the lock of a byte of that file at once.
enum { CLINUX_LOCK_TAKEN = 0, CLINUX_LOCK_REFUSED = 1, CLINUX_LOCK_FAILED = 2 };
int CLinux_try_lock_elsewhere(const char *path, long long place);

// A program that was started: its process, which leads a group of its own, and our ends of its standard streams.
struct CLinux_child {
    int pid;
    int input;
    int output;
    int standardError;
};

// Starts a program with these variables, or null for a search path and a locale, no other descriptors and this soft
// limit of them, or 0 for that of this process. 0, or errno.
int CLinux_spawn(
    char **words, char **environment, unsigned long long soft_descriptor_limit, struct CLinux_child *child);

// A descriptor that is readable once the process has ended, closed on exec, or -1. pidfd_open(2) has a wrapper since glibc
// 2.36 only.
int CLinux_open_process(int pid);

// RLIMIT_NOFILE, whose name is of an enumeration in C and of a number elsewhere.
struct CLinux_limit {
    unsigned long long soft;
    unsigned long long hard;
};
int CLinux_get_descriptor_limit(struct CLinux_limit *limit);
int CLinux_set_descriptor_limit(const struct CLinux_limit *limit);

// fcntl(2) is variadic. Negative if the descriptor is closed.
static inline int CLinux_descriptor_flags(int descriptor) { return fcntl(descriptor, F_GETFD); }

// Lets a program that is spawned inherit no descriptor from `first` on. 0, or errno.
// posix_spawn_file_actions_addclosefrom_np is hidden without _GNU_SOURCE.
int CLinux_close_from(posix_spawn_file_actions_t *actions, int first);

// Renames unless something has the new name (EEXIST). renameat2 is hidden without _GNU_SOURCE.
int CLinux_rename_new(const char *from, const char *to);

// The magic number of the file system that a file is on, or -1. A struct and a function of the same name, statfs, are one
// too many for Swift.
static inline long long CLinux_file_system(const char *path) {
    struct statfs disk;
    return statfs(path, &disk) == 0 ? (long long)(unsigned int)disk.f_type : -1;
}

// struct ucred is hidden without _GNU_SOURCE.
struct CLinux_peer {
    int pid;
    unsigned int uid;
    unsigned int gid;
};

// Who is at the other end of a Unix socket.
int CLinux_get_peer(int descriptor, struct CLinux_peer *peer);
#endif
