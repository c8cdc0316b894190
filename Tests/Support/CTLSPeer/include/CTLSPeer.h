// The door to OpenSSL's server side and its certificate making, for scripted peers. Its calls are macros in good part.
#ifndef CTLSPeer_H
#define CTLSPeer_H
#include <stdint.h>

typedef struct CTLSPeer CTLSPeer;

// Makes an authority and a certificate signed by it, valid until `days` from now, as PEM files. 1 if done.
int CTLSPeer_make(
    const char *authority_file, const char *certificate_file, const char *key_file, const char *names, long days);

// Does the handshake on a blocking descriptor, which stays the caller's. NULL if it fails.
// `client_authority_file` may be NULL; `protocols` is ALPN's wire form.
CTLSPeer *CTLSPeer_accept(
    int descriptor, const char *certificate_file, const char *key_file, const char *client_authority_file,
    const uint8_t *protocols, uint32_t protocols_size);

// As recv and send: 0 is the end, -1 an error with errno.
int CTLSPeer_read(CTLSPeer *peer, void *buffer, int size);
int CTLSPeer_write(CTLSPeer *peer, const void *bytes, int size);

// Writes the agreed protocol's name, terminated, into 256 bytes.
void CTLSPeer_protocol(CTLSPeer *peer, char *name);

// Without a farewell to the other side.
void CTLSPeer_free(CTLSPeer *peer);
#endif
