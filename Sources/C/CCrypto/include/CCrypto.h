// The door to libcrypto: only what Swift cannot call by itself is shimmed here.
#ifndef CCrypto_H
#define CCrypto_H
#include <openssl/evp.h>
#include <openssl/crypto.h>
#endif
