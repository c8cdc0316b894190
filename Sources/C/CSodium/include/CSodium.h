// The door to libsodium: only what Swift cannot call by itself is shimmed here.
#ifndef CSodium_H
#define CSodium_H
#include <sodium.h>
#endif
