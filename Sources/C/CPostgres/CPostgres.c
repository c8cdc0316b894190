// SwiftPM builds a C target from at least one source file; the door itself is its header.
#include "CPostgres.h"
