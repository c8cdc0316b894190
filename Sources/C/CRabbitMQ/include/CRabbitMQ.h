// The door to librabbitmq: only what Swift cannot call by itself is shimmed here.
#ifndef CRabbitMQ_H
#define CRabbitMQ_H
#include <sys/ioctl.h>
#include <sys/time.h>
#include <linux/sockios.h>
#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/framing.h>
#include <rabbitmq-c/ssl_socket.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#endif

// amqp_login_with_properties is variadic, which Swift cannot call.
static inline amqp_rpc_reply_t CRabbitMQ_login_plain(amqp_connection_state_t state, const char *vhost, int frame_max,
                                                     int heartbeat, const amqp_table_t *properties, const char *user,
                                                     const char *password) {
    return amqp_login_with_properties(state, vhost, 0, frame_max, heartbeat, properties, AMQP_SASL_METHOD_PLAIN, user,
                                      password);
}

static inline amqp_rpc_reply_t CRabbitMQ_login_external(amqp_connection_state_t state, const char *vhost,
                                                        int frame_max, int heartbeat, const amqp_table_t *properties,
                                                        const char *identity) {
    return amqp_login_with_properties(state, vhost, 0, frame_max, heartbeat, properties, AMQP_SASL_METHOD_EXTERNAL,
                                      identity);
}

// Bytes that the kernel has not yet sent or had acknowledged; ioctl is variadic. Negative on error.
static inline int CRabbitMQ_unsent(int descriptor) {
    int count = 0;
    return ioctl(descriptor, SIOCOUTQ, &count) == 0 ? count : -1;
}
#endif
