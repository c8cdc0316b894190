// The door to SQLite: only what Swift cannot call by itself is shimmed here.
#ifndef CSQLite_H
#define CSQLite_H
#include <sqlite3.h>

// sqlite3_config is variadic. To be called before SQLite is first used; later it changes nothing.
static inline void CSQLite_count_no_memory(void) { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }

// Where temporary files of this process go, should it need some. The name of before is left: a thread may be reading it.
static inline void CSQLite_keep_temporary_files(const char *directory) {
    sqlite3_temp_directory = sqlite3_mprintf("%s", directory);
}

#endif
