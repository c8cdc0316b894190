// The door to libmicrohttpd: what is variadic, a union or a macro, which Swift cannot use.
#ifndef CMicroHTTPD_H
#define CMicroHTTPD_H
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>
#include <microhttpd.h>

// MHD_start_daemon is variadic. No thread of its own: the caller polls CMicroHTTPD_poll_descriptor and calls MHD_run.
// No listener either: without a free descriptor the library would try to accept again and again, at once. The caller
// accepts and gives connections to CMicroHTTPD_add. Null without memory or descriptors.
static inline struct MHD_Daemon *CMicroHTTPD_start(
    unsigned connections, size_t memory, unsigned idle_seconds, MHD_AccessHandlerCallback request,
    MHD_NotifyConnectionCallback connection, void *context
) {
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, request, context,
        MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory,
        MHD_OPTION_CONNECTION_TIMEOUT, idle_seconds, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_CONNECTION,
        connection, context, MHD_OPTION_END);
}

// Gives the library a connection, which is its own from now on. It wants its peer's address, in a union of kinds. One
// that it cannot take it closes.
static inline void CMicroHTTPD_add(struct MHD_Daemon *daemon, int connection) {
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    // Gone already.
    if (getpeername(connection, (struct sockaddr *)&peer, &size) != 0) {
        close(connection);
        return;
    }
    MHD_add_connection(daemon, connection, (struct sockaddr *)&peer, size);
}

// MHD_get_daemon_info is variadic and answers with a union. -1 if there is none.
static inline int CMicroHTTPD_poll_descriptor(struct MHD_Daemon *daemon) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return info ? info->epoll_fd : -1;
}

// MHD_get_connection_info is variadic and answers with a union. -1 if there is none.
static inline int CMicroHTTPD_descriptor(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}
#endif
