// SwiftPM builds a C target from at least one source file; the door itself is its header.
#include "CLinux.h"

int CLinux_accept(int listener) { return accept4(listener, 0, 0, SOCK_CLOEXEC); }
