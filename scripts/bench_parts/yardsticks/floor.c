// The floor: one thread that consumes, POSTs, publishes with confirm and acks. No ledger, no parsing, no retries, no
// second thoughts: any error ends it. What is faster than this has left something out.
//
// With BENCH_LEDGER it also keeps what a worker must that never calls twice unknowingly: an intent before the call, the
// outcome before it is published, a mark after the confirm. All of a round is one commit, flushed. Still nothing is
// looked up, and there is no index but the key: what is durable and faster than this has left something out.
#include "broker.h"
#include <curl/curl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/epoll.h>

enum { body_limit = 1024, window = 8192 };

typedef struct {
    uint64_t tag;
    size_t length, id_length;
    char body[body_limit], id[160];
} job_t;

typedef struct {
    CURL *easy;
    job_t job;
} slot_t;

typedef struct {
    size_t length;
    char bytes[160];
} name_t;

static amqp_connection_state_t broker;
static CURLM *multi;
static int poller, in_flight;
static long curl_timeout = -1;
static slot_t *slots, **idle;
static int idle_count;
// Jobs that wait for a slot: at most the prefetch.
static job_t waiting[window];
static uint64_t waiting_head, waiting_tail;
// By publish number: the delivery that its confirm settles. By delivery tag: whether it may be acked.
static uint64_t published, confirmed, tag_of[window];
static bool settled[window];
static uint64_t acked, highest;
static const char *results_exchange;
static volatile sig_atomic_t stopping;
// What this round's commit has to keep.
static sqlite3 *ledger;
static sqlite3_stmt *begin, *claim, *record, *keep, *mark, *commit;
static slot_t **to_claim, **to_record;
static int claims, records, marks;
static name_t id_of[window], *to_mark[window];

static void stop(int signal) { (void)signal; stopping = 1; }
static size_t discard(char *data, size_t size, size_t count, void *context) {
    (void)data, (void)context;
    return size * count;
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known) {
    (void)easy, (void)context;
    struct epoll_event event = {.data.fd = fd};
    if (what == CURL_POLL_REMOVE) return epoll_ctl(poller, EPOLL_CTL_DEL, fd, NULL), 0;
    if (what & CURL_POLL_IN) event.events |= EPOLLIN;
    if (what & CURL_POLL_OUT) event.events |= EPOLLOUT;
    if (known) return epoll_ctl(poller, EPOLL_CTL_MOD, fd, &event), 0;
    curl_multi_assign(multi, fd, (void *)1);
    return epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event), 0;
}

static int watch_time(CURLM *handle, long timeout, void *context) {
    (void)handle, (void)context;
    curl_timeout = timeout;
    return 0;
}

static void begin_calls(void) {
    while (idle_count > 0 && waiting_head != waiting_tail && !stopping) {
        slot_t *slot = idle[--idle_count];
        slot->job = waiting[waiting_head++ % window];
        curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, slot->job.body);
        curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE, (long)slot->job.length);
        if (ledger) to_claim[claims++] = slot;
        else curl_multi_add_handle(multi, slot->easy);
    }
}

static const char body[] =
    "{\"version\":1,\"outcome\":\"left\",\"effect\":\"left\",\"next\":\"none\",\"attempts\":1,\"generation\":0,"
    "\"httpStatus\":200,\"completedAt\":\"2026-01-01T00:00:00.000Z\",\"durationMs\":1}";

static void publish(const job_t *job) {
    char id[176];
    int length = snprintf(id, sizeof id, "%.*s#0", (int)job->id_length, job->id);
    amqp_basic_properties_t properties = {
        ._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG,
        .delivery_mode = 2,
        .message_id = {.len = (size_t)length, .bytes = id},
        .content_type = amqp_cstring_bytes("application/json"),
    };
    tag_of[++published % window] = job->tag;
    if (ledger) {
        id_of[published % window].length = job->id_length;
        memcpy(id_of[published % window].bytes, job->id, job->id_length);
    }
    require(
        amqp_basic_publish(
            broker, 2, amqp_cstring_bytes(results_exchange), amqp_cstring_bytes("leave.left"), 1, 0, &properties,
            (amqp_bytes_t){.len = sizeof body - 1, .bytes = (void *)body}),
        "publishing");
}

static void end_calls(void) {
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(multi, &left))) {
        if (message->msg != CURLMSG_DONE) continue;
        CURL *easy = message->easy_handle;
        slot_t *slot;
        long status = 0;
        if (message->data.result != CURLE_OK) give_up("call: %s", curl_easy_strerror(message->data.result));
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&slot);
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        if (status != 200) give_up("the API answered %ld", status);
        curl_multi_remove_handle(multi, easy);
        if (ledger) {
            to_record[records++] = slot;
            continue;
        }
        publish(&slot->job);
        idle[idle_count++] = slot;
    }
}

static void confirm(const amqp_basic_ack_t *ack) {
    uint64_t first = ack->multiple ? confirmed + 1 : ack->delivery_tag;
    for (uint64_t number = first; number <= ack->delivery_tag; number++) {
        settled[tag_of[number % window] % window] = true;
        if (ledger) to_mark[marks++] = &id_of[number % window];
    }
    if (ack->multiple) confirmed = ack->delivery_tag;
}

/// One ack for all that are settled without a gap.
static void ack_settled(void) {
    uint64_t upTo = acked;
    while (upTo < highest && settled[(upTo + 1) % window]) settled[++upTo % window] = false;
    if (upTo == acked) return;
    require(amqp_basic_ack(broker, 1, upTo, 1), "acking");
    acked = upTo;
}

static void read_broker(void) {
    static job_t job;
    static uint64_t expected;
    amqp_frame_t frame;
    while (next_frame(broker, &frame)) {
        if (frame.frame_type == AMQP_FRAME_METHOD && frame.payload.method.id == AMQP_BASIC_ACK_METHOD) {
            confirm(frame.payload.method.decoded);
        } else if (frame.frame_type == AMQP_FRAME_METHOD && frame.payload.method.id == AMQP_BASIC_DELIVER_METHOD) {
            amqp_basic_deliver_t *delivery = frame.payload.method.decoded;
            job.tag = highest = delivery->delivery_tag;
            job.length = 0;
        } else if (frame.frame_type == AMQP_FRAME_HEADER) {
            amqp_basic_properties_t *properties = frame.payload.properties.decoded;
            expected = frame.payload.properties.body_size;
            job.id_length = properties->message_id.len;
            if (expected > body_limit || job.id_length > sizeof job.id) give_up("a job that is too large");
            memcpy(job.id, properties->message_id.bytes, job.id_length);
        } else if (frame.frame_type == AMQP_FRAME_BODY) {
            memcpy(job.body + job.length, frame.payload.body_fragment.bytes, frame.payload.body_fragment.len);
            job.length += frame.payload.body_fragment.len;
            if (job.length == expected) waiting[waiting_tail++ % window] = job;
        }
    }
    amqp_maybe_release_buffers(broker);
}

static void kept(int status, const char *what) {
    if (status != SQLITE_OK && status != SQLITE_DONE) give_up("%s: %s", what, sqlite3_errmsg(ledger));
}

static sqlite3_stmt *prepared(const char *sql) {
    sqlite3_stmt *statement;
    kept(sqlite3_prepare_v3(ledger, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL), sql);
    return statement;
}

static void run(sqlite3_stmt *statement) {
    kept(sqlite3_step(statement), sqlite3_sql(statement));
    sqlite3_reset(statement);
}

static void run_for(sqlite3_stmt *statement, const char *id, size_t length) {
    sqlite3_bind_blob(statement, 1, id, (int)length, SQLITE_STATIC);
    run(statement);
}

static void open_ledger(const char *path) {
    if (sqlite3_open(path, &ledger) != SQLITE_OK) give_up("opening %s", path);
    kept(sqlite3_exec(ledger,
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 8000;"
        "CREATE TABLE IF NOT EXISTS jobs "
        "(job_id BLOB PRIMARY KEY, intent INTEGER NOT NULL, finished INTEGER NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS results "
        "(job_id BLOB PRIMARY KEY, body BLOB NOT NULL, published INTEGER NOT NULL) WITHOUT ROWID",
        NULL, NULL, NULL), "making the ledger");
    begin = prepared("BEGIN IMMEDIATE");
    claim = prepared("INSERT INTO jobs VALUES (?1, 1, 0)");
    record = prepared("UPDATE jobs SET intent = 0, finished = 1 WHERE job_id = ?1");
    keep = prepared("INSERT INTO results VALUES (?1, ?2, 0)");
    sqlite3_bind_blob(keep, 2, body, sizeof body - 1, SQLITE_STATIC);
    mark = prepared("UPDATE results SET published = 1 WHERE job_id = ?1");
    commit = prepared("COMMIT");
}

/// Makes the round durable, and does what waited for that.
static void commit_round(void) {
    if (claims + records + marks == 0) return;
    run(begin);
    for (int n = 0; n < claims; n++) run_for(claim, to_claim[n]->job.id, to_claim[n]->job.id_length);
    for (int n = 0; n < records; n++) {
        run_for(record, to_record[n]->job.id, to_record[n]->job.id_length);
        run_for(keep, to_record[n]->job.id, to_record[n]->job.id_length);
    }
    for (int n = 0; n < marks; n++) run_for(mark, to_mark[n]->bytes, to_mark[n]->length);
    run(commit);
    for (int n = 0; n < claims; n++) curl_multi_add_handle(multi, to_claim[n]->easy);
    for (int n = 0; n < records; n++) {
        publish(&to_record[n]->job);
        idle[idle_count++] = to_record[n];
    }
    claims = records = marks = 0;
}

static const char *setting(const char *name) {
    const char *value = getenv(name);
    if (!value) give_up("%s is not set", name);
    return value;
}

static void make_slots(const char *url) {
    struct curl_slist *fields = curl_slist_append(NULL, "Content-Type: application/json");
    char bearer[256];
    snprintf(bearer, sizeof bearer, "Authorization: Bearer %s", setting("BENCH_TOKEN"));
    fields = curl_slist_append(fields, bearer);
    slots = calloc((size_t)in_flight, sizeof *slots);
    idle = calloc((size_t)in_flight, sizeof *idle);
    to_claim = calloc((size_t)in_flight, sizeof *to_claim);
    to_record = calloc((size_t)in_flight, sizeof *to_record);
    for (int n = 0; n < in_flight; n++) {
        CURL *easy = slots[n].easy = curl_easy_init();
        curl_easy_setopt(easy, CURLOPT_URL, url);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fields);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
        curl_easy_setopt(easy, CURLOPT_PRIVATE, &slots[n]);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        if (getenv("BENCH_CA")) {
            curl_easy_setopt(easy, CURLOPT_CAINFO, getenv("BENCH_CA"));
            curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
            curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
        } else {
            curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        }
        idle[idle_count++] = &slots[n];
    }
}

int main(void) {
    char queue[256], exchange[256], url[512];
    in_flight = atoi(setting("BENCH_IN_FLIGHT"));
    snprintf(queue, sizeof queue, "%s.jobs", setting("BENCH_PREFIX"));
    snprintf(exchange, sizeof exchange, "%s.results", setting("BENCH_PREFIX"));
    snprintf(url, sizeof url, "%s/v1/sharedAlbums:leave", setting("BENCH_API"));
    results_exchange = exchange;
    signal(SIGTERM, stop);
    if (getenv("BENCH_LEDGER")) open_ledger(getenv("BENCH_LEDGER"));

    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi = curl_multi_init();
    poller = epoll_create1(EPOLL_CLOEXEC);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, watch_time);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)in_flight);
    make_slots(url);

    broker = connect_broker(atoi(setting("BENCH_AMQP_PORT")));
    amqp_channel_open(broker, 2);
    answered(amqp_get_rpc_reply(broker), "opening a channel");
    confirm_publishes(broker, 2);
    // One being called, one at hand: what the daemon does too.
    int prefetch = 2 * in_flight < 16 ? 16 : 2 * in_flight > 2000 ? 2000 : 2 * in_flight;
    consume(broker, queue, (uint16_t)prefetch);
    struct epoll_event readable = {.events = EPOLLIN, .data.fd = amqp_get_sockfd(broker)};
    epoll_ctl(poller, EPOLL_CTL_ADD, readable.data.fd, &readable);

    int running = 0;
    read_broker();
    begin_calls();
    commit_round();
    while (!stopping) {
        struct epoll_event events[256];
        int count = epoll_wait(poller, events, 256, (int)curl_timeout);
        if (count == 0 || curl_timeout == 0) {
            // Set before: what it does may ask for another.
            curl_timeout = -1;
            curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
        }
        for (int n = 0; n < count; n++) {
            if (events[n].data.fd == readable.data.fd) {
                read_broker();
                continue;
            }
            int what = (events[n].events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? CURL_CSELECT_IN : 0)
                | (events[n].events & EPOLLOUT ? CURL_CSELECT_OUT : 0);
            curl_multi_socket_action(multi, events[n].data.fd, what, &running);
        }
        end_calls();
        ack_settled();
        begin_calls();
        commit_round();
    }
    return 0;
}
