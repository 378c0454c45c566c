// A load client for measuring proxies: sends one body again and again, reads streams of events.
//
//     client PORT PATH CONCURRENCY TOTAL BODY_FILE EVENTS WARMUP [BODY_FILE...]
//
// With several files each request sends the next one; all must be of one size.
//
// Checks that the upstream saw the body as it was sent and that EVENTS events came back. Prints one
// line of JSON: how many failed and how, requests per second, and in milliseconds the time to the
// first byte of the response's body and each event's way from the upstream (percentiles; the first
// WARMUP requests are left out). One thread, loopback, keep-alive.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define LONGEST_RUN_NS 120000000000u
#define MARK "TS="

enum chunk { SIZE, EXTENSION, DATA, LINE_END, LAST };

struct body {
    char *data;
    uint64_t sum;
};

struct conn {
    int fd, active, wants_out, requests;
    const struct body *body;
    size_t sent;
    uint64_t began, first_byte;
    int head_done, closes;
    char in[262144];
    size_t in_size;
    enum chunk chunk;
    uint64_t chunk_left;
    char text[65536];        // decoded, from the last event that is not complete on
    size_t text_size;
    int events;
};

struct samples {
    uint32_t *tenths_of_us;
    size_t size, room;
};

static char *head;
static size_t head_size, body_size;
static struct body *bodies;
static int body_count;
static int concurrency, total, expected, warmup;
static int started, done, failed, incomplete, altered, refused, reconnected;
static struct samples first_bytes, ways;
static struct sockaddr_in target;
static int poller;

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void add(struct samples *s, uint64_t ns) {
    if (s->size == s->room) {
        s->room = s->room ? s->room * 2 : 4096;
        s->tenths_of_us = realloc(s->tenths_of_us, s->room * sizeof *s->tenths_of_us);
    }
    uint64_t value = ns / 100;
    s->tenths_of_us[s->size++] = value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static int by_value(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static double percentile(const struct samples *s, double share) {
    return s->size ? s->tenths_of_us[(size_t)((double)(s->size - 1) * share)] / 10000.0 : 0;
}

static void print(const char *name, struct samples *s) {
    qsort(s->tenths_of_us, s->size, sizeof *s->tenths_of_us, by_value);
    printf(",\"%s\":{\"p50\":%.4f,\"p90\":%.4f,\"p99\":%.4f,\"max\":%.4f}", name,
           percentile(s, .5), percentile(s, .9), percentile(s, .99), percentile(s, 1));
}

static void want_out(struct conn *c, int wanted) {
    if (c->wants_out == wanted) return;
    c->wants_out = wanted;
    struct epoll_event e = {.events = EPOLLIN | (wanted ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e);
}

static void dial(struct conn *c) {
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (int tries = 0; connect(c->fd, (void *)&target, sizeof target); tries++) {
        if (tries == 50) {
            perror("client");
            exit(2);
        }
        usleep(20000);
    }
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    c->wants_out = c->requests = 0;
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &e);
}

static void send_on(struct conn *c) {
    size_t all = head_size + body_size;
    while (c->sent < all) {
        ssize_t n;
        if (c->sent < head_size) {
            struct iovec parts[2] = {{head + c->sent, head_size - c->sent},
                                     {c->body->data, body_size}};
            n = writev(c->fd, parts, 2);
        } else {
            n = send(c->fd, c->body->data + (c->sent - head_size), all - c->sent, MSG_NOSIGNAL);
        }
        if (n < 0) {
            if (errno == EAGAIN) want_out(c, 1);
            return;
        }
        c->sent += (size_t)n;
    }
    want_out(c, 0);
}

static void begin(struct conn *c) {
    if (started >= total) {
        c->active = 0;
        return;
    }
    c->body = &bodies[started++ % body_count];
    c->active = 1;
    c->requests++;
    c->sent = c->in_size = c->text_size = 0;
    c->head_done = c->closes = c->events = 0;
    c->chunk = SIZE;
    c->chunk_left = 0;
    c->first_byte = 0;
    c->began = now_ns();
    send_on(c);
}

static void finish(struct conn *c, int whole) {
    done++;
    if (!whole) failed++;
    else if (c->events != expected) incomplete++;
    if (whole && done > warmup) add(&first_bytes, c->first_byte - c->began);
}

static void redial(struct conn *c) {
    close(c->fd);
    c->active = 0;
    if (started < total) {
        dial(c);
        begin(c);
    }
}

// Looks for the check sum and for events in what has been decoded.
static void scan(struct conn *c, const char *data, size_t size, uint64_t now) {
    if (!c->first_byte) c->first_byte = now;
    while (size) {
        size_t n = sizeof c->text - 1 - c->text_size;
        if (n > size) n = size;
        memcpy(c->text + c->text_size, data, n);
        c->text_size += n;
        data += n;
        size -= n;
        c->text[c->text_size] = 0;
        char *at = c->text, *end = c->text + c->text_size, *found;
        if (!c->events) {
            char *sum = memmem(at, (size_t)(end - at), "\"sum\":\"", 7);
            if (sum && end - sum >= 23 && strtoull(sum + 7, NULL, 16) != c->body->sum)
                altered++;
        }
        while ((found = memmem(at, (size_t)(end - at), MARK, 3)) && end - found >= 19) {
            uint64_t left = strtoull(found + 3, NULL, 16);
            if (done >= warmup) add(&ways, now > left ? now - left : 0);
            c->events++;
            at = found + 19;
        }
        size_t rest = (size_t)(end - at);
        if (rest > 40) at = end - 40;
        rest = (size_t)(end - at);
        memmove(c->text, at, rest);
        c->text_size = rest;
    }
}

// Whether the response's head is complete; what follows it is moved to the front.
static int take_head(struct conn *c) {
    c->in[c->in_size] = 0;
    char *end = memmem(c->in, c->in_size, "\r\n\r\n", 4);
    if (!end) return 0;
    *end = 0;
    if (strncmp(c->in + 9, "200", 3)) refused++;
    c->closes = strcasestr(c->in, "\r\nconnection: close") != NULL;
    c->head_done = 1;
    size_t used = (size_t)(end + 4 - c->in);
    memmove(c->in, c->in + used, c->in_size - used);
    c->in_size -= used;
    return 1;
}

// Whether the last chunk has come.
static int take_chunks(struct conn *c, uint64_t now) {
    for (size_t i = 0; i < c->in_size;) {
        if (c->chunk == DATA) {
            size_t n = c->in_size - i < c->chunk_left ? c->in_size - i : c->chunk_left;
            scan(c, c->in + i, n, now);
            c->chunk_left -= n;
            i += n;
            if (!c->chunk_left) c->chunk = LINE_END;
            continue;
        }
        unsigned char ch = (unsigned char)c->in[i++];
        if (ch == '\n') {
            if (c->chunk == LAST) return 1;
            if (c->chunk == LINE_END) c->chunk = SIZE;
            else c->chunk = c->chunk_left ? DATA : LAST;
        } else if (ch == ';' && c->chunk == SIZE) {
            c->chunk = EXTENSION;
        } else if (c->chunk == SIZE && ch != '\r' && ch != ' ') {
            c->chunk_left = c->chunk_left * 16 + (uint64_t)(ch <= '9' ? ch - '0' : (ch | 32) - 'a' + 10);
        }
    }
    c->in_size = 0;
    return 0;
}

static void ended(struct conn *c) {
    if (c->active && !c->first_byte && c->requests > 1) {
        // The idle connection was closed just as this request went out.
        reconnected++;
        started--;
    } else if (c->active) {
        finish(c, 0);
    }
    redial(c);
}

static void readable(struct conn *c) {
    for (;;) {
        ssize_t n = recv(c->fd, c->in + c->in_size, sizeof c->in - 1 - c->in_size, 0);
        uint64_t now = now_ns();
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) {
            ended(c);
            return;
        }
        if (!c->active) continue;
        c->in_size += (size_t)n;
        if (!c->head_done && !take_head(c)) continue;
        if (!take_chunks(c, now)) continue;
        finish(c, 1);
        if (c->closes) {
            redial(c);
            return;
        }
        begin(c);
    }
}

static void read_body(const char *path) {
    struct stat info;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &info)) {
        perror(path);
        exit(2);
    }
    if (body_count && body_size != (size_t)info.st_size) {
        fprintf(stderr, "client: %s is of another size\n", path);
        exit(2);
    }
    body_size = (size_t)info.st_size;
    bodies = realloc(bodies, (size_t)(body_count + 1) * sizeof *bodies);
    struct body *b = &bodies[body_count++];
    b->data = malloc(body_size + 1);
    b->sum = 0;
    if (read(fd, b->data, body_size) != (ssize_t)body_size) exit(2);
    close(fd);
    for (size_t i = 0; i < body_size; i++) b->sum += (unsigned char)b->data[i];
}

int main(int argc, char **argv) {
    if (argc < 8) {
        fprintf(stderr, "usage: client PORT PATH CONCURRENCY TOTAL BODY_FILE EVENTS WARMUP "
                        "[BODY_FILE...]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    int port = atoi(argv[1]);
    concurrency = atoi(argv[3]);
    total = atoi(argv[4]);
    read_body(argv[5]);
    for (int i = 8; i < argc; i++) read_body(argv[i]);
    expected = atoi(argv[6]);
    warmup = atoi(argv[7]);
    target.sin_family = AF_INET;
    target.sin_port = htons((uint16_t)port);
    target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    head = malloc(8192);
    head_size = (size_t)snprintf(
        head, 8192,
        "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
        "x-api-key: sk-ant-test-000\r\nanthropic-version: 2023-06-01\r\n"
        "anthropic-beta: claude-code-20250219,interleaved-thinking-2025-05-14\r\n"
        "accept: application/json\r\nuser-agent: load (bench)\r\nx-app: cli\r\n"
        "x-stainless-lang: js\r\nx-stainless-retry-count: 0\r\nContent-Length: %zu\r\n\r\n",
        argv[2], port, body_size);
    poller = epoll_create1(0);
    struct conn **conns = calloc((size_t)concurrency, sizeof *conns);
    for (int i = 0; i < concurrency; i++) {
        conns[i] = calloc(1, sizeof **conns);
        dial(conns[i]);
    }
    uint64_t start = now_ns(), warm = 0;
    for (int i = 0; i < concurrency; i++) begin(conns[i]);
    struct epoll_event events[512];
    while (done < total && now_ns() - start < LONGEST_RUN_NS) {
        int n = epoll_wait(poller, events, 512, 1000);
        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) send_on(c);
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(c);
        }
        if (!warm && done >= warmup) warm = now_ns();
    }
    double seconds = (double)(now_ns() - warm) / 1e9;
    printf("{\"done\":%d,\"failed\":%d,\"incomplete\":%d,\"altered\":%d,\"refused\":%d,"
           "\"reconnected\":%d,\"per_second\":%.1f",
           done, failed + (total - done), incomplete, altered, refused, reconnected,
           (done - warmup) / seconds);
    print("first_byte_ms", &first_bytes);
    print("event_ms", &ways);
    printf("}\n");
    return 0;
}
