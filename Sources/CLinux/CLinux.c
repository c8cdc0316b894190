// SwiftPM builds a C target from at least one source file; the door itself is its header.
#include "CLinux.h"

#include <stdio.h>

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

int CLinux_close_from(posix_spawn_file_actions_t *actions, int first) {
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}

int CLinux_spawn(char **words, struct CLinux_child *child) {
    char *environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", 0};
    return CLinux_spawn_with(words, environment, child);
}

int CLinux_spawn_with(char **words, char **environment, struct CLinux_child *child) {
    int pipes[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
    int code = 0;
    for (int n = 0; n < 3 && code == 0; n++) {
        if (pipe2(pipes[n], O_CLOEXEC) != 0) code = errno;
    }
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    if (code == 0) {
        posix_spawn_file_actions_adddup2(&actions, pipes[0][0], 0);
        posix_spawn_file_actions_adddup2(&actions, pipes[1][1], 1);
        posix_spawn_file_actions_adddup2(&actions, pipes[2][1], 2);
        // Whatever was opened without close-on-exec by a library stays here.
        CLinux_close_from(&actions, 3);
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setpgroup(&attributes, 0);
        posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        pid_t pid = 0;
        code = posix_spawn(&pid, words[0], &actions, &attributes, words, environment);
        child->pid = pid;
    }
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    // The program's ends are its own; all are closed if it did not start.
    close(pipes[0][0]);
    close(pipes[1][1]);
    close(pipes[2][1]);
    if (code != 0) {
        close(pipes[0][1]);
        close(pipes[1][0]);
        close(pipes[2][0]);
        return code;
    }
    child->input = pipes[0][1];
    child->output = pipes[1][0];
    child->complaint = pipes[2][0];
    return 0;
}
