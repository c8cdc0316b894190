// SwiftPM builds a C target from at least one source file; the door itself is its header.
#include "CLinux.h"

#include <stdio.h>
#include <sys/syscall.h>

int CLinux_accept(int listener) { return accept4(listener, 0, 0, SOCK_CLOEXEC); }

int CLinux_get_peer(int descriptor, struct CLinux_peer *peer) {
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return -1;
    peer->pid = credentials.pid;
    peer->uid = credentials.uid;
    peer->gid = credentials.gid;
    return 0;
}

int CLinux_rename_new(const char *from, const char *to) {
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return -1;
    // A file system without the flag: a second name is refused as well where one is.
    if (link(from, to) != 0) return -1;
    unlink(from);
    return 0;
}

int CLinux_lock_byte(int descriptor, long long place) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = place, .l_len = 1};
    int code;
    do {
        code = fcntl(descriptor, F_OFD_SETLKW, &lock);
    } while (code < 0 && errno == EINTR);
    return code;
}

int CLinux_try_lock_elsewhere(const char *path, long long place) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = place, .l_len = 1};
    pid_t child = fork();
    if (child < 0) return CLINUX_LOCK_FAILED;
    if (child == 0) {
        // Of a process with threads: nothing but system calls from here on.
        int descriptor = open(path, O_RDWR | O_CLOEXEC);
        if (descriptor < 0) _exit(CLINUX_LOCK_FAILED);
        if (fcntl(descriptor, F_OFD_SETLK, &lock) == 0) _exit(CLINUX_LOCK_TAKEN);
        _exit(errno == EAGAIN || errno == EACCES ? CLINUX_LOCK_REFUSED : CLINUX_LOCK_FAILED);
    }
    int status;
    pid_t ended;
    do {
        ended = waitpid(child, &status, 0);
    } while (ended < 0 && errno == EINTR);
    return ended == child && WIFEXITED(status) ? WEXITSTATUS(status) : CLINUX_LOCK_FAILED;
}

int CLinux_open_process(int pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int CLinux_close_from(posix_spawn_file_actions_t *actions, int first) {
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}

int CLinux_get_descriptor_limit(struct CLinux_limit *limit) {
    struct rlimit found;
    if (getrlimit(RLIMIT_NOFILE, &found) != 0) return -1;
    limit->soft = found.rlim_cur;
    limit->hard = found.rlim_max;
    return 0;
}

int CLinux_set_descriptor_limit(const struct CLinux_limit *limit) {
    struct rlimit wanted = {.rlim_cur = limit->soft, .rlim_max = limit->hard};
    return setrlimit(RLIMIT_NOFILE, &wanted);
}

// What a child of vfork(2) does, in the memory of its parent, whose thread waits: nothing but system calls.
struct program {
    char **words;
    char **environment;
    // Its standard streams, and where errno goes if it cannot become the program; closed by becoming it.
    int ends[3];
    int failure;
    unsigned long long soft_limit;
};

static _Noreturn __attribute__((noinline)) void become(const struct program *program) {
    struct sigaction ordinary = {.sa_handler = SIG_DFL};
    // KILL, STOP and the C library's own refuse, and have no handler of ours.
    for (int number = 1; number < NSIG; number++) sigaction(number, &ordinary, 0);
    struct rlimit limit;
    int has_limit = program->soft_limit == 0;
    if (!has_limit && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        // Of this process alone: a child of vfork shares memory with its parent, but no limits.
        limit.rlim_cur = program->soft_limit < limit.rlim_max ? program->soft_limit : limit.rlim_max;
        has_limit = setrlimit(RLIMIT_NOFILE, &limit) == 0;
    }
    if (has_limit && setpgid(0, 0) == 0 && dup2(program->ends[0], 0) == 0 && dup2(program->ends[1], 1) == 1
        && dup2(program->ends[2], 2) == 2 && dup2(program->failure, 3) == 3 && fcntl(3, F_SETFD, FD_CLOEXEC) == 0) {
        // Whatever was opened without close-on-exec by a library stays here.
        closefrom(4);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, 0);
        execve(program->words[0], program->words, program->environment);
        int code = errno;
        if (write(3, &code, sizeof code) < 0) _exit(126);
        _exit(127);
    }
    int code = errno;
    if (write(program->failure, &code, sizeof code) < 0) _exit(126);
    _exit(127);
}

// posix_spawn(3) knows no limits, and to change the parent's for a moment would fail whatever else opens a file then.
static int start(const struct program *program, int failure, int *pid) {
    sigset_t all, before;
    sigfillset(&all);
    // No handler of the parent's must run in the child, whose memory is the parent's.
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t child = vfork();
    if (child == 0) become(program);
    int code = child < 0 ? errno : 0;
    pthread_sigmask(SIG_SETMASK, &before, 0);
    // The child has its own copy of this end, which is closed when it has become the program.
    close(program->failure);
    if (code == 0) {
        ssize_t count;
        do {
            count = read(failure, &code, sizeof code);
        } while (count < 0 && errno == EINTR);
        if (count != sizeof code) code = 0;
        if (code != 0) {
            while (waitpid(child, 0, 0) < 0 && errno == EINTR) {}
        }
    }
    *pid = child;
    return code;
}

int CLinux_spawn(
    char **words, char **environment, unsigned long long soft_descriptor_limit, struct CLinux_child *child
) {
    char *plain[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", 0};
    // Its three streams, and how it failed.
    int pipes[4][2] = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
    int code = 0;
    for (int n = 0; n < 4 && code == 0; n++) {
        if (pipe2(pipes[n], O_CLOEXEC) != 0) code = errno;
    }
    if (code == 0) {
        struct program program = {
            .words = words, .environment = environment ? environment : plain,
            .ends = {pipes[0][0], pipes[1][1], pipes[2][1]}, .failure = pipes[3][1],
            .soft_limit = soft_descriptor_limit};
        code = start(&program, pipes[3][0], &child->pid);
        pipes[3][1] = -1;
    }
    // The program's ends are its own; all are closed if it did not start.
    int done[] = {pipes[0][0], pipes[1][1], pipes[2][1], pipes[3][0], pipes[3][1]};
    for (int n = 0; n < 5; n++) {
        if (done[n] >= 0) close(done[n]);
    }
    int ours[] = {pipes[0][1], pipes[1][0], pipes[2][0]};
    if (code != 0) {
        for (int n = 0; n < 3; n++) {
            if (ours[n] >= 0) close(ours[n]);
        }
        return code;
    }
    child->input = ours[0];
    child->output = ours[1];
    child->standardError = ours[2];
    return 0;
}
