// The door to libpq: only what Swift cannot call by itself is shimmed here.
//
// What linking it costs a process, measured with Debian 12's libpq 15.18 and a program that never calls it: beside the
// libraries that the daemon has anyway (libcurl brings OpenSSL, LDAP and Kerberos) 172 kB of resident memory, of which
// 16 kB are its own and the rest pages of the file; in a process that has none of those, 5.4 MB, 1.0 MB its own.
// So nothing would be gained by dlopen(3): a daemon with an embedded ledger calls nothing here and pays those 16 kB.
// Four connections that are open cost 0.9 MB in plain (0.1 MB its own) and 2.9 MB with TLS (0.7 MB).
#ifndef CPostgres_H
#define CPostgres_H
#include <postgresql/libpq-fe.h>
#include <stddef.h>

// The fields of an error or a notice are named by characters, which Swift imports as numbers of another type.
static inline const char *CPostgres_state(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_SQLSTATE);
}

// The severity as the protocol has it, whatever the server's language.
static inline const char *CPostgres_severity(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
}

// Without the detail, which may show a row's values.
static inline const char *CPostgres_message(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
}

// Its parameters are arrays of pointers to constant text, which Swift has no type for.
static inline PGconn *CPostgres_start(char *const *keywords, char *const *values) {
    return PQconnectStartParams((const char *const *)keywords, (const char *const *)values, 0);
}

// The parameters lie in one piece of memory, each at its offset; negative: NULL. All in binary, as is the answer.
// At most 64: 0 otherwise, as for what libpq itself refuses.
static inline int CPostgres_send_prepared(PGconn *connection, const char *name, int count, const unsigned char *bytes,
                                          const ptrdiff_t *offsets, const int *lengths) {
    const char *values[64];
    int formats[64];
    if (count < 0 || count > 64) return 0;
    for (int index = 0; index < count; index++) {
        values[index] = offsets[index] < 0 ? NULL : (const char *)bytes + offsets[index];
        formats[index] = 1;
    }
    return PQsendQueryPrepared(connection, name, count, values, lengths, formats, 1);
}

// The same for a statement that is sent once, as text.
static inline int CPostgres_send_once(PGconn *connection, const char *text, int count, const unsigned int *types,
                                      const unsigned char *bytes, const ptrdiff_t *offsets, const int *lengths) {
    const char *values[64];
    int formats[64];
    if (count < 0 || count > 64) return 0;
    for (int index = 0; index < count; index++) {
        values[index] = offsets[index] < 0 ? NULL : (const char *)bytes + offsets[index];
        formats[index] = 1;
    }
    return PQsendQueryParams(connection, text, count, types, values, lengths, formats, 1);
}
#endif
