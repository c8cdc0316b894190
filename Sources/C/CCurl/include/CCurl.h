// The door to libcurl: its option, info and multi-option calls are variadic, which Swift cannot call.
#ifndef CCurl_H
#define CCurl_H
#include <curl/curl.h>

// Name before call: curl.h wraps these in type-checking macros that only a C compiler expands.
static inline CURLcode CCurl_set_long(CURL *easy, CURLoption option, long value) {
    return (curl_easy_setopt)(easy, option, value);
}
static inline CURLcode CCurl_set_off(CURL *easy, CURLoption option, curl_off_t value) {
    return (curl_easy_setopt)(easy, option, value);
}
static inline CURLcode CCurl_set_string(CURL *easy, CURLoption option, const char *value) {
    return (curl_easy_setopt)(easy, option, value);
}
static inline CURLcode CCurl_set_pointer(CURL *easy, CURLoption option, void *value) {
    return (curl_easy_setopt)(easy, option, value);
}
static inline CURLcode CCurl_set_body(CURL *easy, const void *value) {
    return (curl_easy_setopt)(easy, CURLOPT_POSTFIELDS, value);
}
static inline CURLcode CCurl_set_list(CURL *easy, CURLoption option, struct curl_slist *value) {
    return (curl_easy_setopt)(easy, option, value);
}
typedef size_t (*CCurl_data_callback)(char *, size_t, size_t, void *);
static inline CURLcode CCurl_set_data_callback(CURL *easy, CURLoption option, CCurl_data_callback value) {
    return (curl_easy_setopt)(easy, option, value);
}
typedef int (*CCurl_prerequest_callback)(void *, char *, char *, int, int);
static inline CURLcode CCurl_set_prerequest_callback(CURL *easy, CCurl_prerequest_callback value) {
    return (curl_easy_setopt)(easy, CURLOPT_PREREQFUNCTION, value);
}
static inline CURLcode CCurl_set_opened_callback(CURL *easy, curl_sockopt_callback value) {
    return (curl_easy_setopt)(easy, CURLOPT_SOCKOPTFUNCTION, value);
}
static inline CURLcode CCurl_set_close_callback(CURL *easy, curl_closesocket_callback value) {
    return (curl_easy_setopt)(easy, CURLOPT_CLOSESOCKETFUNCTION, value);
}
static inline CURLcode CCurl_get_long(CURL *easy, CURLINFO info, long *value) {
    return (curl_easy_getinfo)(easy, info, value);
}
static inline CURLcode CCurl_get_off(CURL *easy, CURLINFO info, curl_off_t *value) {
    return (curl_easy_getinfo)(easy, info, value);
}
static inline CURLMcode CCurl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return (curl_multi_setopt)(multi, option, value);
}
static inline CURLMcode CCurl_multi_set_pointer(CURLM *multi, CURLMoption option, void *value) {
    return (curl_multi_setopt)(multi, option, value);
}
static inline CURLMcode CCurl_multi_set_socket_callback(CURLM *multi, curl_socket_callback value) {
    return (curl_multi_setopt)(multi, CURLMOPT_SOCKETFUNCTION, value);
}
static inline CURLMcode CCurl_multi_set_timer_callback(CURLM *multi, curl_multi_timer_callback value) {
    return (curl_multi_setopt)(multi, CURLMOPT_TIMERFUNCTION, value);
}
// A member of a union in a struct that Swift imports without it.
static inline CURLcode CCurl_message_result(const CURLMsg *message) { return message->data.result; }
#endif
