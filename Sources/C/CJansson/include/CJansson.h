// The door to Jansson: only what Swift cannot call by itself is shimmed here.
#ifndef CJansson_H
#define CJansson_H
#include <jansson.h>

// Swift cannot read the error's code: jansson hides it in the last byte of the text. The text itself stays here, for it
// quotes the input, and the input holds a share token.
static inline json_t *CJansson_parse(const char *bytes, size_t count, int *code, int *position) {
    json_error_t error;
    json_t *value = json_loadb(bytes, count, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
    *code = value ? -1 : (int)json_error_code(&error);
    *position = value ? 0 : error.position;
    return value;
}
#endif
