// The door to toml++: one C function over a C++ parser.
#ifndef CTOML_H
#define CTOML_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    CTOML_TABLE,
    CTOML_ARRAY,
    CTOML_STRING,
    CTOML_INTEGER,
    CTOML_FLOAT,
    CTOML_BOOLEAN,
    // A date, a time, or both: no setting takes one, so only its text is handed out.
    CTOML_DATE_TIME,
} CTOML_kind;

typedef struct {
    // The index of the table or array that holds it; always smaller than its own. The root has itself.
    size_t parent;
    CTOML_kind kind;
    // UTF-8, may contain zero bytes. NULL in the root and in an array's elements.
    const char *key;
    size_t key_length;
    // Of a string and a date: UTF-8, may contain zero bytes. Else NULL.
    const char *text;
    size_t text_length;
    int64_t integer;
    double floating;
    bool boolean;
    // Of the key and of the value, from 1; columns count code points. 0: it stands nowhere in the text, as a table
    // that only its subtable's name implies.
    uint32_t key_line, key_column;
    uint32_t line, column;
} CTOML_node;

typedef struct {
    // The root first, children of one parent in the order of their keys. Empty after a syntax error.
    CTOML_node *nodes;
    size_t count;
    // The syntax error, UTF-8 and ending in a zero; NULL if there is none.
    char *error;
    uint32_t error_line, error_column;
    // Owner of every pointer above.
    void *owner;
} CTOML_document;

// Parses a whole document. Never fails but by a syntax error; without memory it aborts.
CTOML_document CTOML_parse(const char *text, size_t length);

// Frees what CTOML_parse returned, once.
void CTOML_free(CTOML_document document);

#ifdef __cplusplus
}
#endif
#endif
