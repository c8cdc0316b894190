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
