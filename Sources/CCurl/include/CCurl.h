// The door to libcurl: only what Swift cannot call by itself is shimmed here.
#ifndef CCurl_H
#define CCurl_H
#include <curl/curl.h>
#endif
