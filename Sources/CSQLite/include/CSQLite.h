// The door to SQLite: only what Swift cannot call by itself is shimmed here.
#ifndef CSQLite_H
#define CSQLite_H
#include <sqlite3.h>
#endif
