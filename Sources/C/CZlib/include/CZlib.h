// The door to zlib: Swift can call all that is used of it.
#ifndef CZlib_H
#define CZlib_H
#include <zlib.h>
#endif
