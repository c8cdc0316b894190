// The door to Jansson: only what Swift cannot call by itself is shimmed here.
#ifndef CJansson_H
#define CJansson_H
#include <jansson.h>
#endif
