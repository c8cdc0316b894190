// What stands around a worker that is measured: it publishes jobs, takes results, and keeps the time of both by one
// clock. Small, so that on a machine of few cores it takes little from what it measures.
//
//   driver fill PORT PREFIX COUNT ACCOUNTS FORM SEED         COUNT jobs, all confirmed
//   driver collect PORT PREFIX COUNT SECONDS SEED            `ready`, `first NS`, then one line of JSON
//   driver pace PORT PREFIX RATE COUNT ACCOUNTS FORM SEED    at an even rate; JSON of each job's time to its result
//   driver hop PORT QUEUE RATE COUNT                         the broker alone: publish → delivery, in nanoseconds
//   driver http URL TOKEN RATE COUNT [CA]                    the API alone
//   driver purge PORT PREFIX QUEUE…                          what an ended worker left
//   driver classic PORT PREFIX DELAY…                        declares the daemon's topology with classic queues
//
// FORM is json (leave-albumd's jobs), flood (the same, all of one account that has no other) or celery (its protocol 1).
// Job ids begin at random, as UUIDs do: what keeps an
// index of them pays what it would pay with real ones.
#include "broker.h"
#include <curl/curl.h>
#include <poll.h>

static uint64_t mixed(uint64_t n) {
    n += 0x9E3779B97F4A7C15u;
    n = (n ^ (n >> 30)) * 0xBF58476D1CE4E5B9u;
    n = (n ^ (n >> 27)) * 0x94D049BB133111EBu;
    return n ^ (n >> 31);
}

typedef struct {
    const char *prefix;
    uint64_t accounts, seed;
    const char *kind;
} form_t;

static void publish_job(amqp_connection_state_t broker, const form_t *form, uint64_t n) {
    static char exchange[256];
    snprintf(exchange, sizeof exchange, "%s.jobs", form->prefix);
    char id[96], body[512];
    snprintf(id, sizeof id, "%016" PRIx64 "-%" PRIu64 "-%" PRIu64, mixed(n ^ (form->seed << 40)), form->seed, n);
    bool celery = !strcmp(form->kind, "celery");
    const char *account = !strcmp(form->kind, "flood") ? "flood" : "user";
    const char *text = celery
        ? "{\"id\":\"%s\",\"task\":\"leave\",\"kwargs\":{},\"args\":[\"%s\",\"user%" PRIu64 "\",\"album-%s\"]}"
        : "{\"jobId\":\"%s\",\"account\":\"%s%" PRIu64 "\",\"shareToken\":\"album-%s\"}";
    int length = celery ? snprintf(body, sizeof body, text, id, id, n % form->accounts, id)
                        : snprintf(body, sizeof body, text, id, account, n % form->accounts, id);
    amqp_basic_properties_t properties = {
        ._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG
            | AMQP_BASIC_CONTENT_ENCODING_FLAG,
        .delivery_mode = 2,
        .message_id = amqp_cstring_bytes(id),
        .content_type = amqp_cstring_bytes("application/json"),
        .content_encoding = amqp_cstring_bytes("utf-8"),
    };
    require(
        amqp_basic_publish(
            broker, 1, amqp_cstring_bytes(exchange), amqp_cstring_bytes("leave"), 1, 0, &properties,
            (amqp_bytes_t){.len = (size_t)length, .bytes = body}),
        "publishing");
}

static void sleep_until_readable(int first, int second, uint64_t until) {
    struct pollfd fds[2] = {{.fd = first, .events = POLLIN}, {.fd = second, .events = POLLIN}};
    uint64_t now = now_ns(), wait = until > now ? until - now : 0;
    struct timespec timeout = {.tv_sec = (time_t)(wait / 1000000000u), .tv_nsec = (long)(wait % 1000000000u)};
    ppoll(fds, second < 0 ? 1 : 2, &timeout, NULL);
}

/// Reads confirms that are there. Returns the number up to which all publishes of the process are confirmed.
static uint64_t read_confirms(amqp_connection_state_t broker) {
    // More than are ever unconfirmed.
    enum { window = 65536 };
    static bool single[window];
    static uint64_t confirmed;
    amqp_frame_t frame;
    while (next_frame(broker, &frame)) {
        if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD) continue;
        amqp_basic_ack_t *ack = frame.payload.method.decoded;
        single[ack->delivery_tag % window] = true;
        while (ack->multiple && confirmed < ack->delivery_tag) single[++confirmed % window] = false;
        while (single[(confirmed + 1) % window]) single[++confirmed % window] = false;
    }
    amqp_maybe_release_buffers(broker);
    return confirmed;
}

static int fill(int port, const form_t *form, uint64_t count) {
    // Confirms in flight: enough to keep a quorum queue's log in large batches.
    enum { unconfirmed = 2000 };
    const uint64_t timeout = 60000000000u;
    amqp_connection_state_t broker = connect_broker(port);
    confirm_publishes(broker, 1);
    uint64_t sent = 0, confirmed = 0, end = now_ns() + timeout;
    while (confirmed < count) {
        while (sent < count && sent - confirmed < unconfirmed) publish_job(broker, form, ++sent);
        sleep_until_readable(amqp_get_sockfd(broker), -1, now_ns() + 1000000000u);
        uint64_t before = confirmed;
        confirmed = read_confirms(broker);
        if (confirmed > before) end = now_ns() + timeout;
        if (now_ns() > end) give_up("the broker confirms no more: %" PRIu64 " of %" PRIu64, confirmed, count);
    }
    return 0;
}

typedef struct {
    amqp_connection_state_t broker;
    uint64_t tag;
    unsigned since_ack;
    // Whose results count: those of an earlier run may still come.
    uint64_t seed;
    uint64_t expected, seen, number;
} results_t;

/// Acks in batches, so that taking results costs the broker little.
static void ack_results(results_t *results, unsigned at_least) {
    if (results->since_ack < at_least) return;
    require(amqp_basic_ack(results->broker, 1, results->tag, 1), "acking results");
    results->since_ack = 0;
}

/// The number of the next job whose result is there; 0 if there is none. Job ids end in -SEED-NUMBER, message
/// ids of results in #GENERATION.
static uint64_t next_result(results_t *results) {
    amqp_frame_t frame;
    while (next_frame(results->broker, &frame)) {
        if (frame.frame_type == AMQP_FRAME_METHOD && frame.payload.method.id == AMQP_BASIC_DELIVER_METHOD) {
            results->tag = ((amqp_basic_deliver_t *)frame.payload.method.decoded)->delivery_tag;
        } else if (frame.frame_type == AMQP_FRAME_HEADER) {
            amqp_bytes_t id = ((amqp_basic_properties_t *)frame.payload.properties.decoded)->message_id;
            char text[192];
            size_t length = id.len < sizeof text - 1 ? id.len : sizeof text - 1;
            memcpy(text, id.bytes, length);
            text[length] = 0;
            char *seed = strchr(text, '-'), *number = strrchr(text, '-');
            if (!seed) give_up("a result of nobody's job: %s", text);
            results->number = strtoull(seed + 1, NULL, 10) == results->seed ? strtoull(number + 1, NULL, 10) : 0;
            results->expected = frame.payload.properties.body_size;
            results->seen = 0;
        } else if (frame.frame_type == AMQP_FRAME_BODY) {
            results->seen += frame.payload.body_fragment.len;
            if (results->seen < results->expected) continue;
            results->since_ack++;
            if (results->number) return results->number;
        }
    }
    amqp_maybe_release_buffers(results->broker);
    return 0;
}

static results_t take_results(int port, const char *prefix, uint64_t seed) {
    char queue[256];
    snprintf(queue, sizeof queue, "%s.results", prefix);
    results_t results = {.broker = connect_broker(port), .seed = seed};
    consume(results.broker, queue, 2000);
    return results;
}

static int collect(int port, const char *prefix, uint64_t count, uint64_t seconds, uint64_t seed) {
    results_t results = take_results(port, prefix, seed);
    puts("ready");
    fflush(stdout);
    uint64_t taken = 0, first = 0, last = 0, end = now_ns() + seconds * 1000000000u;
    while (taken < count) {
        while (taken < count && next_result(&results)) {
            last = now_ns();
            if (++taken == 1) {
                first = last;
                printf("first %" PRIu64 "\n", first);
                fflush(stdout);
            }
            ack_results(&results, 500);
        }
        if (taken >= count) break;
        if (now_ns() > end) give_up("only %" PRIu64 " of %" PRIu64 " results in %" PRIu64 " s", taken, count, seconds);
        sleep_until_readable(amqp_get_sockfd(results.broker), -1, now_ns() + 100000000u);
    }
    printf("{\"results\":%" PRIu64 ",\"first\":%" PRIu64 ",\"last\":%" PRIu64 "}\n", taken, first, last);
    fflush(stdout);
    ack_results(&results, 1);
    amqp_connection_close(results.broker, 200);
    return 0;
}

static void print_times(const uint64_t *times, uint64_t count) {
    putchar('[');
    for (uint64_t n = 0; n < count; n++) printf("%s%" PRIu64, n ? "," : "", times[n]);
    puts("]");
}

/// Open loop: a job is due at its time whatever became of those before, and its time counts from when it was due.
static int pace(int port, const form_t *form, double rate, uint64_t count) {
    results_t results = take_results(port, form->prefix, form->seed);
    amqp_connection_state_t broker = connect_broker(port);
    confirm_publishes(broker, 1);
    uint64_t *due = calloc(count + 1, sizeof *due), *took = calloc(count, sizeof *took);
    uint64_t begin = now_ns() + 50000000u, sent = 0, taken = 0;
    for (uint64_t n = 1; n <= count; n++) due[n] = begin + (uint64_t)((double)n / rate * 1e9);
    uint64_t end = due[count] + 30000000000u;
    while (taken < count) {
        while (sent < count && due[sent + 1] <= now_ns()) publish_job(broker, form, ++sent);
        read_confirms(broker);
        uint64_t number;
        while ((number = next_result(&results))) {
            // A second copy of a result is none.
            if (number <= count && due[number]) {
                took[taken++] = now_ns() - due[number];
                due[number] = 0;
            }
        }
        ack_results(&results, 50);
        if (now_ns() > end) give_up("only %" PRIu64 " of %" PRIu64 " results", taken, count);
        uint64_t next = sent < count ? due[sent + 1] : now_ns() + 50000000u;
        sleep_until_readable(amqp_get_sockfd(results.broker), amqp_get_sockfd(broker), next);
    }
    ack_results(&results, 1);
    amqp_connection_close(results.broker, 200);
    print_times(took, count);
    return 0;
}

static int hop(int port, const char *queue, double rate, uint64_t count) {
    amqp_connection_state_t publisher = connect_broker(port);
    results_t results = {.broker = connect_broker(port)};
    amqp_table_entry_t quorum = {
        .key = amqp_cstring_bytes("x-queue-type"),
        .value = {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes("quorum")}};
    amqp_table_t arguments = {.num_entries = 1, .entries = &quorum};
    amqp_queue_declare(publisher, 1, amqp_cstring_bytes(queue), 0, 1, 0, 0, arguments);
    answered(amqp_get_rpc_reply(publisher), "declaring a queue");
    confirm_publishes(publisher, 1);
    consume(results.broker, queue, 2000);
    uint64_t *took = calloc(count, sizeof *took), begin = now_ns() + 50000000u;
    for (uint64_t n = 1; n <= count; n++) {
        uint64_t due = begin + (uint64_t)((double)n / rate * 1e9);
        while (now_ns() < due) sleep_until_readable(amqp_get_sockfd(publisher), -1, due);
        char id[32], body[160] = {0};
        snprintf(id, sizeof id, "hop-0-%" PRIu64, n);
        amqp_basic_properties_t properties = {
            ._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG,
            .delivery_mode = 2,
            .message_id = amqp_cstring_bytes(id),
        };
        uint64_t sent = now_ns();
        require(
            amqp_basic_publish(
                publisher, 1, amqp_empty_bytes, amqp_cstring_bytes(queue), 1, 0, &properties,
                (amqp_bytes_t){.len = sizeof body, .bytes = body}),
            "publishing");
        while (!next_result(&results))
            sleep_until_readable(amqp_get_sockfd(results.broker), -1, now_ns() + 1000000000u);
        took[n - 1] = now_ns() - sent;
        ack_results(&results, 1);
        read_confirms(publisher);
    }
    amqp_queue_delete(publisher, 1, amqp_cstring_bytes(queue), 0, 0);
    answered(amqp_get_rpc_reply(publisher), "deleting a queue");
    print_times(took, count);
    return 0;
}

static size_t discard(char *data, size_t size, size_t count, void *context) {
    (void)data, (void)context;
    return size * count;
}

static int http(const char *url, const char *token, double rate, uint64_t count, const char *ca) {
    char bearer[256];
    snprintf(bearer, sizeof bearer, "Authorization: Bearer %s", token);
    struct curl_slist *fields = curl_slist_append(curl_slist_append(NULL, "Content-Type: application/json"), bearer);
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fields);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "{\"shareToken\":\"album-0123456789abcdef-1\"}");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
    curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
    if (ca) curl_easy_setopt(easy, CURLOPT_CAINFO, ca);
    uint64_t *took = calloc(count, sizeof *took), begin = now_ns() + 50000000u;
    for (uint64_t n = 0; n < count; n++) {
        uint64_t due = begin + (uint64_t)((double)n / rate * 1e9);
        while (now_ns() < due) sleep_until_readable(-1, -1, due);
        uint64_t sent = now_ns();
        CURLcode code = curl_easy_perform(easy);
        if (code != CURLE_OK) give_up("call: %s", curl_easy_strerror(code));
        took[n] = now_ns() - sent;
    }
    print_times(took, count);
    return 0;
}

static void declare_exchange(amqp_connection_state_t broker, const char *prefix, const char *name, const char *kind) {
    char full[256];
    snprintf(full, sizeof full, "%s.%s", prefix, name);
    amqp_exchange_declare(
        broker, 1, amqp_cstring_bytes(full), amqp_cstring_bytes(kind), 0, 1, 0, 0, amqp_empty_table);
    answered(amqp_get_rpc_reply(broker), full);
}

static void declare_classic(
    amqp_connection_state_t broker, const char *prefix, const char *name, const char *exchange, const char *key) {
    char full[256], from[256];
    snprintf(full, sizeof full, "%s.%s", prefix, name);
    amqp_queue_declare(broker, 1, amqp_cstring_bytes(full), 0, 1, 0, 0, amqp_empty_table);
    answered(amqp_get_rpc_reply(broker), full);
    if (!exchange) return;
    snprintf(from, sizeof from, "%s.%s", prefix, exchange);
    amqp_queue_bind(
        broker, 1, amqp_cstring_bytes(full), amqp_cstring_bytes(from), amqp_cstring_bytes(key), amqp_empty_table);
    answered(amqp_get_rpc_reply(broker), full);
}

static int classic(int port, const char *prefix, char **delays, int count) {
    amqp_connection_state_t broker = connect_broker(port);
    declare_exchange(broker, prefix, "jobs", "direct");
    declare_exchange(broker, prefix, "dead", "fanout");
    declare_exchange(broker, prefix, "results", "topic");
    declare_classic(broker, prefix, "jobs", "jobs", "leave");
    declare_classic(broker, prefix, "bulk", "jobs", "leave.bulk");
    declare_classic(broker, prefix, "cancel", "jobs", "cancel");
    declare_classic(broker, prefix, "due", NULL, NULL);
    declare_classic(broker, prefix, "broken", NULL, NULL);
    declare_classic(broker, prefix, "dead", "dead", "");
    declare_classic(broker, prefix, "results", "results", "leave.#");
    for (int n = 0; n < count; n++) {
        char name[64];
        snprintf(name, sizeof name, "retry.%s", delays[n]);
        declare_classic(broker, prefix, name, NULL, NULL);
    }
    return 0;
}

static int purge(int port, const char *prefix, char **names, int count) {
    amqp_connection_state_t broker = connect_broker(port);
    for (int n = 0; n < count; n++) {
        char full[256];
        snprintf(full, sizeof full, "%s.%s", prefix, names[n]);
        amqp_queue_purge(broker, 1, amqp_cstring_bytes(full));
        answered(amqp_get_rpc_reply(broker), full);
    }
    return 0;
}

int main(int count, char **words) {
    const char *command = count > 1 ? words[1] : "";
    if (!strcmp(command, "fill") && count == 8) {
        form_t form = {words[3], strtoull(words[5], 0, 10), strtoull(words[7], 0, 10), words[6]};
        return fill(atoi(words[2]), &form, strtoull(words[4], 0, 10));
    }
    if (!strcmp(command, "collect") && count == 7)
        return collect(
            atoi(words[2]), words[3], strtoull(words[4], 0, 10), strtoull(words[5], 0, 10),
            strtoull(words[6], 0, 10));
    if (!strcmp(command, "purge") && count > 4) return purge(atoi(words[2]), words[3], words + 4, count - 4);
    if (!strcmp(command, "pace") && count == 9) {
        form_t form = {words[3], strtoull(words[6], 0, 10), strtoull(words[8], 0, 10), words[7]};
        return pace(atoi(words[2]), &form, atof(words[4]), strtoull(words[5], 0, 10));
    }
    if (!strcmp(command, "hop") && count == 6)
        return hop(atoi(words[2]), words[3], atof(words[4]), strtoull(words[5], 0, 10));
    if (!strcmp(command, "http") && (count == 6 || count == 7))
        return http(words[2], words[3], atof(words[4]), strtoull(words[5], 0, 10), count == 7 ? words[6] : NULL);
    if (!strcmp(command, "classic") && count > 4) return classic(atoi(words[2]), words[3], words + 4, count - 4);
    give_up("driver: see the head of driver.c");
}
