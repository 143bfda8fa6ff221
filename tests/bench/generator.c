/* The load generator of `load.py` in C: the same requests on the same connections, for less CPU.
 *
 *   generator ADDRESS PORT CONNECTIONS WARMUP_MS DURATION_MS KEEP SPLIT <requests >result
 *
 * Each connection has one request in flight; all share one list of requests, which goes round until DURATION_MS is
 * over, or is sent once if that is 0. KEEP 1 returns every reply, 0 only those whose status is not 200. SPLIT 1 sends
 * the head and the body of a request in two writes, as `http.client` does.
 *
 * Input, numbers of the machine's own byte order: for each request uint32 head length, uint32 body length, the bytes.
 * Output: int64[8] (see `result`), int64[latencies], then for each kept reply uint32 status, uint32 length, the bytes.
 * A broken input or a failed system call ends it with a sentence on standard error and code 1.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define READ_BYTES 65536
#define DRAIN_NS 10000000000LL /* longer than the exchange's own reply_timeout_s */

typedef struct { uint32_t head, body; const char *bytes; } Request;
typedef struct { int fd; int64_t sent_ns; char *data; size_t have, room, need, body_start; uint32_t status; } Connection;
typedef struct { char *data; size_t have, room; } Buffer;

static Request *requests;
static size_t request_count, next_request;
static Buffer latencies, replies;
static int64_t warm_ns, stop_ns, last_ns, answered, reply_bytes, unreadable, disconnected;
static int running, once, keep, split;

static void fail(const char *what) {
    fprintf(stderr, "generator: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int64_t cpu(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000LL + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000LL;
}

static void reserve(Buffer *buffer, size_t bytes) {
    if (buffer->room - buffer->have >= bytes) return;
    while (buffer->room - buffer->have < bytes) buffer->room = buffer->room ? 2 * buffer->room : READ_BYTES;
    if (!(buffer->data = realloc(buffer->data, buffer->room))) fail("memory");
}

static void append(Buffer *buffer, const void *bytes, size_t length) {
    reserve(buffer, length);
    memcpy(buffer->data + buffer->have, bytes, length);
    buffer->have += length;
}

static void read_requests(void) {
    Buffer input = {0};
    size_t got, at = 0, room = 0;
    do {
        reserve(&input, READ_BYTES);
        got = fread(input.data + input.have, 1, READ_BYTES, stdin);
        input.have += got;
    } while (got);
    while (at < input.have) {
        if (request_count == room && !(requests = realloc(requests, (room = room ? 2 * room : 1024) * sizeof *requests)))
            fail("memory");
        Request *request = &requests[request_count++];
        errno = EINVAL;
        if (input.have - at < 8) fail("requests");
        memcpy(&request->head, input.data + at, 4);
        memcpy(&request->body, input.data + at + 4, 4);
        request->bytes = input.data + at + 8;
        at += 8 + (size_t)request->head + request->body;
        if (at > input.have) fail("requests");
    }
    if (!request_count) fail("no requests");
}

static int send_all(int fd, const char *bytes, size_t length) {
    while (length) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent < 0) return 0;
        bytes += sent;
        length -= sent;
    }
    return 1;
}

static void end(Connection *connection) {
    if (connection->fd >= 0) running--, close(connection->fd);
    connection->fd = -1;
}

static void send_next(Connection *connection) {
    if (last_ns >= stop_ns || (once && next_request == request_count)) {
        end(connection);
        return;
    }
    const Request *request = &requests[next_request++];
    if (next_request == request_count && !once) next_request = 0;
    connection->sent_ns = now();
    connection->have = connection->need = 0;
    size_t first = split ? request->head : request->head + (size_t)request->body;
    if (!send_all(connection->fd, request->bytes, first) ||
        (split && !send_all(connection->fd, request->bytes + request->head, request->body)))
        disconnected++, end(connection);
}

/* The length of the whole reply, 0 while its head is not all there; -1 if it says no Content-Length. */
static ssize_t whole(Connection *connection) {
    char *head_end = memmem(connection->data, connection->have, "\r\n\r\n", 4);
    if (!head_end) return 0;
    connection->body_start = head_end + 4 - connection->data;
    connection->status = connection->have > 12 ? (uint32_t)atoi(connection->data + 9) : 0;
    for (char *line = connection->data; line < head_end; line = (char *)rawmemchr(line, '\n') + 1)
        if (strncasecmp(line, "content-length:", 15) == 0) return connection->body_start + atoll(line + 15);
    return -1;
}

static void take(Connection *connection) {
    int64_t at = last_ns = now();
    uint32_t length = connection->need - connection->body_start;
    if (warm_ns <= at && at < stop_ns) {
        int64_t took = at - connection->sent_ns;
        append(&latencies, &took, sizeof took);
    }
    answered++;
    reply_bytes += length;
    if (keep || connection->status != 200) {
        append(&replies, &connection->status, 4);
        append(&replies, &length, 4);
        append(&replies, connection->data + connection->body_start, length);
    }
    send_next(connection);
}

static void readable(Connection *connection) {
    if (connection->room - connection->have < READ_BYTES) {
        connection->room = 2 * connection->room + READ_BYTES;
        if (!(connection->data = realloc(connection->data, connection->room + 1))) fail("memory");
    }
    ssize_t got = recv(connection->fd, connection->data + connection->have, connection->room - connection->have, 0);
    if (got <= 0) {
        disconnected++;
        end(connection);
        return;
    }
    connection->have += got;
    connection->data[connection->have] = 0;
    if (!connection->need) {
        ssize_t length = whole(connection);
        if (length < 0) {
            unreadable++;
            end(connection);
            return;
        }
        connection->need = length;
    }
    if (!connection->need || connection->have < connection->need) return;
    if (connection->have > connection->need) { /* nobody asked for more */
        unreadable++;
        end(connection);
        return;
    }
    take(connection);
}

static void connect_all(Connection *connections, int count, const char *address, int port, int epoll) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int yes = 1;
    errno = EINVAL;
    if (inet_pton(AF_INET, address, &to.sin_addr) != 1) fail(address);
    for (int i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[i]};
        int fd = connections[i].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to)) fail("connect");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) fail("epoll_ctl");
    }
}

int main(int argc, char **argv) {
    struct epoll_event events[EVENTS_MAX];
    errno = EINVAL;
    if (argc != 8) fail("seven arguments are needed");
    int count = running = atoi(argv[3]);
    int64_t warmup_ns = atoll(argv[4]) * 1000000, duration_ns = atoll(argv[5]) * 1000000;
    keep = atoi(argv[6]), split = atoi(argv[7]), once = duration_ns == 0;
    read_requests();
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    Connection *connections = calloc(count, sizeof *connections);
    if (epoll < 0 || !connections) fail("epoll_create1");
    connect_all(connections, count, argv[1], atoi(argv[2]), epoll);
    int64_t begun_ns = now(), begun_cpu_ns = cpu();
    warm_ns = begun_ns + warmup_ns;
    stop_ns = once ? INT64_MAX : warm_ns + duration_ns;
    for (int i = 0; i < count; i++) send_next(&connections[i]);
    while (running && (once || now() < stop_ns + DRAIN_NS)) {
        int ready = epoll_wait(epoll, events, EVENTS_MAX, 100);
        if (ready < 0 && errno != EINTR) fail("epoll_wait");
        for (int i = 0; i < ready; i++) {
            Connection *connection = events[i].data.ptr;
            if (connection->fd >= 0) readable(connection);
        }
    }
    int64_t result[8] = {latencies.have / 8, now() - begun_ns, cpu() - begun_cpu_ns, answered,
                         reply_bytes,        unreadable,       disconnected,         running};
    if (fwrite(result, sizeof result, 1, stdout) != 1) fail("result");
    fwrite(latencies.data, 1, latencies.have, stdout);
    fwrite(replies.data, 1, replies.have, stdout);
    return fflush(stdout) ? 1 : 0;
}
