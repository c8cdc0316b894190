// SwiftPM builds a C target from at least one source file; the door itself is its header.
#include "CLinux.h"

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

int CLinux_lock_byte(int descriptor, long long place) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = place, .l_len = 1};
    int code;
    do {
        code = fcntl(descriptor, F_OFD_SETLKW, &lock);
    } while (code < 0 && errno == EINTR);
    return code;
}
