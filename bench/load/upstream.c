// An upstream for measuring proxies: answers every request with a stream of events.
//
//     upstream PORT
//     POST /any/path?events=N&every=MICROSECONDS&after=MICROSECONDS
//
// The first event says how many body bytes arrived and what they add up to; every other one carries
// this machine's monotonic clock (TS=...), read just before it was written. One thread, loopback.
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
#include <time.h>
#include <unistd.h>

enum state { HEAD, BODY, CHUNKS, WAIT, STREAM };
enum chunk { SIZE, DATA, LINE_END, LAST };

struct conn {
    int fd;
    enum state state;
    char head[65536];
    size_t head_size;
    uint64_t left, got, sum;     // request body
    enum chunk chunk;
    uint64_t chunk_left;
    int events, sent;            // response
    uint64_t every_ns, after_ns, due;
    char out[16384];
    size_t out_size, out_done;
    int wants_out, queued;
};

static int poller;
static uint64_t served;

// Connections that wait for their next event, earliest first.
static struct conn **queue;
static size_t queue_size, queue_room;

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void swap(size_t a, size_t b) {
    struct conn *kept = queue[a];
    queue[a] = queue[b];
    queue[b] = kept;
}

static void sift_down(size_t at) {
    for (;;) {
        size_t child = 2 * at + 1, least = at;
        if (child < queue_size && queue[child]->due < queue[least]->due) least = child;
        if (child + 1 < queue_size && queue[child + 1]->due < queue[least]->due) least = child + 1;
        if (least == at) return;
        swap(at, least);
        at = least;
    }
}

static void enqueue(struct conn *c) {
    if (queue_size == queue_room) {
        queue_room = queue_room ? queue_room * 2 : 64;
        queue = realloc(queue, queue_room * sizeof *queue);
    }
    size_t at = queue_size++;
    queue[at] = c;
    c->queued = 1;
    while (at && queue[(at - 1) / 2]->due > queue[at]->due) {
        swap(at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

static void dequeue(size_t at) {
    queue[at]->queued = 0;
    queue[at] = queue[--queue_size];
    for (size_t i = queue_size / 2; i-- > 0;) sift_down(i);
}

static void hang_up(struct conn *c) {
    for (size_t i = 0; c->queued && i < queue_size; i++)
        if (queue[i] == c) dequeue(i);
    close(c->fd);
    free(c);
}

static void want_out(struct conn *c, int wanted) {
    if (c->wants_out == wanted) return;
    c->wants_out = wanted;
    struct epoll_event e = {.events = EPOLLIN | (wanted ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e);
}

static void next_request(struct conn *c) {
    c->state = HEAD;
    c->head_size = 0;
    c->sent = 0;
    c->left = c->got = c->sum = c->chunk_left = 0;
    c->chunk = SIZE;
}

// 1 when all is written, 0 when the peer takes no more for now, -1 when it is gone.
static int flush(struct conn *c) {
    while (c->out_done < c->out_size) {
        ssize_t n = send(c->fd, c->out + c->out_done, c->out_size - c->out_done, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno != EAGAIN) return -1;
            want_out(c, 1);
            return 0;
        }
        c->out_done += (size_t)n;
    }
    c->out_size = c->out_done = 0;
    want_out(c, 0);
    return 1;
}

static void put(struct conn *c, const char *data, size_t size) {
    c->out_size += (size_t)sprintf(c->out + c->out_size, "%zx\r\n", size);
    memcpy(c->out + c->out_size, data, size);
    memcpy(c->out + c->out_size + size, "\r\n", 2);
    c->out_size += size + 2;
}

static void put_event(struct conn *c) {
    char text[4096];
    int n;
    if (c->sent == 0) {
        c->out_size = (size_t)sprintf(
            c->out,
            "HTTP/1.1 200 OK\r\nServer: upstream\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
            "Cache-Control: no-cache\r\nrequest-id: req_%016llx\r\n"
            "anthropic-ratelimit-requests-limit: 4000\r\n"
            "anthropic-ratelimit-requests-remaining: 3999\r\nTransfer-Encoding: chunked\r\n\r\n",
            (unsigned long long)served);
        n = sprintf(text,
                    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\","
                    "\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"usage\":{\"input_tokens\":12,"
                    "\"cache_read_input_tokens\":98765,\"output_tokens\":1}},\"size\":%llu,"
                    "\"sum\":\"%016llx\"}\n\n",
                    (unsigned long long)c->got, (unsigned long long)c->sum);
    } else if (c->sent <= c->events) {
        n = sprintf(text,
                    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
                    "\"delta\":{\"type\":\"text_delta\",\"text\":\"TS=%016llx lorem ipsum dolor sit "
                    "amet lorem ipsum dolor\"}}\n\n",
                    (unsigned long long)now_ns());
    } else {
        n = sprintf(text,
                    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
                    "\"end_turn\"},\"usage\":{\"output_tokens\":%d}}\n\n"
                    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
                    c->events);
    }
    put(c, text, (size_t)n);
    if (c->sent++ > c->events) {
        memcpy(c->out + c->out_size, "0\r\n\r\n", 5);
        c->out_size += 5;
    }
}

static int stream(struct conn *c) {
    for (;;) {
        int written = flush(c);
        if (written <= 0) return written;
        if (c->sent > c->events + 1) {
            served++;
            next_request(c);
            return 0;
        }
        if (c->due > now_ns()) {
            enqueue(c);
            return 0;
        }
        put_event(c);
        c->due = c->every_ns ? (c->sent == 1 ? now_ns() : c->due) + c->every_ns : 0;
    }
}

static int answer(struct conn *c) {
    c->state = STREAM;
    c->due = c->after_ns ? now_ns() + c->after_ns : 0;
    return stream(c);
}

static void count(struct conn *c, const unsigned char *data, size_t size) {
    uint64_t sum = 0;
    for (size_t i = 0; i < size; i++) sum += data[i];
    c->sum += sum;
    c->got += size;
}

static int take_body(struct conn *c, const unsigned char *data, size_t size) {
    if (c->state == BODY) {
        size_t n = size < c->left ? size : c->left;
        count(c, data, n);
        c->left -= n;
        return c->left ? 0 : answer(c);
    }
    for (size_t i = 0; i < size;) {
        unsigned char ch = data[i];
        if (c->chunk == DATA) {
            size_t n = size - i < c->chunk_left ? size - i : c->chunk_left;
            count(c, data + i, n);
            c->chunk_left -= n;
            i += n;
            if (!c->chunk_left) c->chunk = LINE_END;
            continue;
        }
        i++;
        if (ch != '\n') {
            if (c->chunk == SIZE && ch != '\r')
                c->chunk_left = c->chunk_left * 16 + (ch <= '9' ? ch - '0' : (ch | 32) - 'a' + 10);
        } else if (c->chunk == SIZE) {
            c->chunk = c->chunk_left ? DATA : LAST;
        } else if (c->chunk == LINE_END) {
            c->chunk = SIZE;
        } else {
            return answer(c);
        }
    }
    return 0;
}

static uint64_t parameter(const char *line, const char *name, uint64_t otherwise) {
    const char *found = strstr(line, name);
    return found ? strtoull(found + strlen(name), NULL, 10) : otherwise;
}

// What follows the head is the beginning of the body.
static int take_head(struct conn *c) {
    c->head[c->head_size] = 0;
    char *end = strstr(c->head, "\r\n\r\n");
    if (!end) return c->head_size < sizeof c->head - 1 ? 0 : -1;
    size_t rest = c->head_size - (size_t)(end + 4 - c->head);
    *end = 0;
    char *line_end = strstr(c->head, "\r\n");
    char *length = strcasestr(c->head, "\r\ncontent-length:");
    c->state = strcasestr(c->head, "\r\ntransfer-encoding: chunked") ? CHUNKS : BODY;
    c->left = length ? strtoull(length + 17, NULL, 10) : 0;
    if (line_end) *line_end = 0;
    c->events = (int)parameter(c->head, "events=", 20);
    c->every_ns = parameter(c->head, "every=", 0) * 1000;
    c->after_ns = parameter(c->head, "after=", 0) * 1000;
    if (c->state == BODY && !c->left) return answer(c);
    return take_body(c, (unsigned char *)end + 4, rest);
}

static int readable(struct conn *c) {
    static unsigned char data[1 << 20];
    for (;;) {
        int in_head = c->state == HEAD;
        void *to = in_head ? (void *)(c->head + c->head_size) : data;
        ssize_t n = recv(c->fd, to, in_head ? sizeof c->head - 1 - c->head_size : sizeof data, 0);
        if (n == 0) return -1;
        if (n < 0) return errno == EAGAIN ? 0 : -1;
        int done = 0;
        if (in_head) {
            c->head_size += (size_t)n;
            done = take_head(c);
        } else if (c->state == BODY || c->state == CHUNKS) {
            done = take_body(c, data, (size_t)n);
        }
        if (done < 0) return -1;
    }
}

static void accept_all(int listener) {
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct conn *c = calloc(1, sizeof *c);
        c->fd = fd;
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e);
    }
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: upstream PORT\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (void *)&at, sizeof at) || listen(listener, 1024)) {
        perror("upstream");
        return 2;
    }
    poller = epoll_create1(0);
    struct epoll_event first = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &first);
    for (;;) {
        struct timespec patience, *until = NULL;
        if (queue_size) {
            uint64_t now = now_ns(), left = queue[0]->due > now ? queue[0]->due - now : 0;
            patience.tv_sec = (time_t)(left / 1000000000u);
            patience.tv_nsec = (long)(left % 1000000000u);
            until = &patience;
        }
        int n = epoll_pwait2(poller, events, 256, until, NULL);
        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;
            if (!c) {
                accept_all(listener);
                continue;
            }
            int alive = 0;
            if (events[i].events & EPOLLOUT) alive = c->state == STREAM ? stream(c) : flush(c);
            if (alive >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) alive = readable(c);
            if (alive < 0) hang_up(c);
        }
        while (queue_size && queue[0]->due <= now_ns()) {
            struct conn *c = queue[0];
            dequeue(0);
            if (stream(c) < 0) hang_up(c);
        }
    }
}
