#include "CTLSPeer.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

struct CTLSPeer {
    SSL_CTX *context;
    SSL *session;
    unsigned char *protocols;
    unsigned int protocols_size;
};

static int extend(X509 *certificate, X509 *issuer, int kind, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    int done = extension != NULL && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return done;
}

static X509 *certify(
    EVP_PKEY *key, const char *name, long serial, long days, X509 *issuer, EVP_PKEY *issuer_key, const char *names) {
    X509 *certificate = X509_new();
    if (certificate == NULL) return NULL;
    const long day = 86400;
    X509_NAME *subject = X509_get_subject_name(certificate);
    int done = X509_set_version(certificate, 2) && ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial)
        && X509_gmtime_adj(X509_getm_notBefore(certificate), -3 * day) != NULL
        && X509_gmtime_adj(X509_getm_notAfter(certificate), days * day) != NULL && X509_set_pubkey(certificate, key)
        && X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0)
        && X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : subject)
        && extend(certificate, issuer ? issuer : certificate, NID_subject_key_identifier, "hash")
        && (names != NULL
                ? extend(certificate, issuer, NID_subject_alt_name, names)
                    && extend(certificate, issuer, NID_authority_key_identifier, "keyid:always")
                : extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE")
                    && extend(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign"))
        && X509_sign(certificate, issuer_key, EVP_sha256());
    if (done) return certificate;
    X509_free(certificate);
    return NULL;
}

static int write_certificate(const char *path, X509 *certificate) {
    FILE *file = fopen(path, "we");
    if (file == NULL) return 0;
    int done = PEM_write_X509(file, certificate);
    return fclose(file) == 0 && done;
}

static int write_key(const char *path, EVP_PKEY *key) {
    FILE *file = fopen(path, "we");
    if (file == NULL) return 0;
    int done = PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    return fclose(file) == 0 && done;
}

int CTLSPeer_make(
    const char *authority_file, const char *certificate_file, const char *key_file, const char *names, long days) {
    EVP_PKEY *authority_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *authority = NULL, *certificate = NULL;
    int done = 0;
    if (authority_key != NULL && key != NULL) {
        authority = certify(authority_key, "Authority of one test", 1, 2, NULL, authority_key, NULL);
        if (authority != NULL) certificate = certify(key, "peer", 2, days, authority, authority_key, names);
        done = certificate != NULL && write_certificate(authority_file, authority)
            && write_certificate(certificate_file, certificate) && write_key(key_file, key);
    }
    X509_free(certificate);
    X509_free(authority);
    EVP_PKEY_free(key);
    EVP_PKEY_free(authority_key);
    return done;
}

static int choose(
    SSL *session, const unsigned char **chosen, unsigned char *size, const unsigned char *offered,
    unsigned int offered_size, void *context) {
    (void)session;
    CTLSPeer *peer = context;
    unsigned char *common = NULL;
    int result = SSL_select_next_proto(&common, size, peer->protocols, peer->protocols_size, offered, offered_size);
    *chosen = common;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

CTLSPeer *CTLSPeer_accept(
    int descriptor, const char *certificate_file, const char *key_file, const char *client_authority_file,
    const uint8_t *protocols, uint32_t protocols_size) {
    CTLSPeer *peer = calloc(1, sizeof *peer);
    if (peer == NULL) return NULL;
    peer->context = SSL_CTX_new(TLS_server_method());
    if (peer->context == NULL) goto failed;
    if (SSL_CTX_use_certificate_file(peer->context, certificate_file, SSL_FILETYPE_PEM) != 1) goto failed;
    if (SSL_CTX_use_PrivateKey_file(peer->context, key_file, SSL_FILETYPE_PEM) != 1) goto failed;
    if (client_authority_file != NULL) {
        if (SSL_CTX_load_verify_locations(peer->context, client_authority_file, NULL) != 1) goto failed;
        SSL_CTX_set_verify(peer->context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    if (protocols_size > 0) {
        peer->protocols = malloc(protocols_size);
        if (peer->protocols == NULL) goto failed;
        memcpy(peer->protocols, protocols, protocols_size);
        peer->protocols_size = protocols_size;
        SSL_CTX_set_alpn_select_cb(peer->context, choose, peer);
    }
    peer->session = SSL_new(peer->context);
    if (peer->session == NULL || SSL_set_fd(peer->session, descriptor) != 1) goto failed;
    if (SSL_accept(peer->session) != 1) goto failed;
    return peer;
failed:
    CTLSPeer_free(peer);
    return NULL;
}

static int outcome(CTLSPeer *peer, int count) {
    if (count > 0) return count;
    int code = errno;
    switch (SSL_get_error(peer->session, count)) {
    case SSL_ERROR_ZERO_RETURN: return 0;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: errno = EAGAIN; return -1;
    // The other side is gone without TLS's farewell: with an errno or, in OpenSSL 3, as a protocol error.
    default: errno = code != 0 ? code : ECONNRESET; return -1;
    }
}

int CTLSPeer_read(CTLSPeer *peer, void *buffer, int size) {
    errno = 0;
    return outcome(peer, SSL_read(peer->session, buffer, size));
}

int CTLSPeer_write(CTLSPeer *peer, const void *bytes, int size) {
    errno = 0;
    return outcome(peer, SSL_write(peer->session, bytes, size));
}

void CTLSPeer_protocol(CTLSPeer *peer, char *name) {
    const unsigned char *chosen = NULL;
    unsigned int size = 0;
    SSL_get0_alpn_selected(peer->session, &chosen, &size);
    if (size > 255) size = 255;
    if (size > 0) memcpy(name, chosen, size);
    name[size] = 0;
}

void CTLSPeer_free(CTLSPeer *peer) {
    if (peer == NULL) return;
    SSL_free(peer->session);
    SSL_CTX_free(peer->context);
    free(peer->protocols);
    free(peer);
}
