// The door to libsystemd: only what Swift cannot call by itself is shimmed here.
#ifndef CSystemd_H
#define CSystemd_H
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>
#endif
