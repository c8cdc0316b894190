// What the floor and the driver share: a connection to the private broker, and to give up with a sentence.
// Everything here ends the process on an error: a benchmark that goes on after one measures something else.
#pragma once
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

__attribute__((noreturn, format(printf, 1, 2))) static inline void give_up(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(70);
}

static inline uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void require(int status, const char *what) {
    if (status < 0) give_up("%s: %s", what, amqp_error_string2(status));
}

static inline void answered(amqp_rpc_reply_t reply, const char *what) {
    if (reply.reply_type == AMQP_RESPONSE_NORMAL) return;
    if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION)
        give_up("%s: %s", what, amqp_error_string2(reply.library_error));
    if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
        amqp_channel_close_t *closed = reply.reply.decoded;
        give_up("%s: %.*s", what, (int)closed->reply_text.len, (char *)closed->reply_text.bytes);
    }
    give_up("%s: refused", what);
}

/// A connection without heartbeats and its first channel.
static inline amqp_connection_state_t connect_broker(int port) {
    amqp_connection_state_t connection = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(connection);
    if (!socket) give_up("no socket");
    require(amqp_socket_open(socket, "127.0.0.1", port), "connecting to the broker");
    answered(amqp_login(connection, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest"), "login");
    amqp_channel_open(connection, 1);
    answered(amqp_get_rpc_reply(connection), "opening a channel");
    return connection;
}

static inline void consume(amqp_connection_state_t connection, const char *queue, uint16_t prefetch) {
    amqp_basic_qos(connection, 1, 0, prefetch, 0);
    answered(amqp_get_rpc_reply(connection), "prefetch");
    amqp_basic_consume(connection, 1, amqp_cstring_bytes(queue), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
    answered(amqp_get_rpc_reply(connection), "consuming");
}

static inline void confirm_publishes(amqp_connection_state_t connection, amqp_channel_t channel) {
    amqp_confirm_select(connection, channel);
    answered(amqp_get_rpc_reply(connection), "confirms");
}

/// The next frame that is there already. A connection that the broker closes ends the process.
static inline bool next_frame(amqp_connection_state_t connection, amqp_frame_t *frame) {
    struct timeval none = {0, 0};
    int status = amqp_simple_wait_frame_noblock(connection, frame, &none);
    if (status == AMQP_STATUS_TIMEOUT) return false;
    require(status, "reading from the broker");
    if (frame->frame_type == AMQP_FRAME_METHOD) {
        switch (frame->payload.method.id) {
            case AMQP_CHANNEL_CLOSE_METHOD: {
                amqp_channel_close_t *closed = frame->payload.method.decoded;
                give_up("channel closed: %.*s", (int)closed->reply_text.len, (char *)closed->reply_text.bytes);
            }
            case AMQP_CONNECTION_CLOSE_METHOD: give_up("the broker closed the connection");
            case AMQP_BASIC_NACK_METHOD: give_up("the broker refused a message");
            case AMQP_BASIC_RETURN_METHOD: give_up("the broker returned a message: no queue for it");
            default: break;
        }
    }
    return true;
}
