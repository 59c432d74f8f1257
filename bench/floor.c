/* floor - the least that a router could cost: it forwards, and does nothing else.
 *
 * Build:  cc -O2 -Wall -Wextra -Werror -o floor floor.c   (`python -m bench` does it)
 * Usage:  ./floor PORT                                     (listens on 127.0.0.1)
 *
 * A frame is two native 32-bit words, length and peer, and then so many bytes; wampload speaks it as fwd://.
 *   server, first of all      {0, id}              your id
 *   client: I am the callee   {0, 0xffffffff}      answered with {0, 0}
 *   client: I subscribe       {0, 0xfffffffe}      answered with {0, 0}
 *   client: an event          {n, 0xfffffffd} ...  copied to all subscribers as {n, 0}
 *   caller: a call            {n, 0} ...           copied to the callee as {n, id of the caller}
 *   callee: its result        {n, id} ...          copied to that caller as {n, 0}
 * One thread, epoll; what one turn of the loop has to say to a connection goes out in one write.
 * It is for benchmarks alone: it trusts its clients in everything but memory.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX = 20000, CHUNK = 1 << 18 };
enum { CALLEE = 0xffffffffu, SUBSCRIBER = 0xfffffffeu, EVENT = 0xfffffffdu };

typedef struct { uint8_t *p; size_t len, cap; } buffer;
typedef struct { int open, dirty, waiting; buffer in, out; } peer;

static peer P[MAX]; /* by file descriptor, which is the id too */
static int callee = -1, subscribers[MAX], nsubscribers, dirty[MAX], ndirty, ep;

static void put(buffer *b, const void *data, size_t n)
{
    if (b->len + n > b->cap) {
        b->cap = (b->len + n) * 2;
        b->p = realloc(b->p, b->cap);
        if (!b->p) { perror("floor"); exit(1); }
    }
    memcpy(b->p + b->len, data, n);
    b->len += n;
}
static void send_frame(int fd, uint32_t n, uint32_t id, const uint8_t *data)
{
    if (fd < 0 || fd >= MAX || !P[fd].open) return;
    uint32_t head[2] = {n, id};
    put(&P[fd].out, head, sizeof head);
    if (n) put(&P[fd].out, data, n);
    if (!P[fd].dirty) { P[fd].dirty = 1; dirty[ndirty++] = fd; }
}
static void leave(int fd)
{
    P[fd].open = P[fd].waiting = 0;
    P[fd].in.len = P[fd].out.len = 0;
    if (callee == fd) callee = -1;
    for (int i = 0; i < nsubscribers; i++)
        if (subscribers[i] == fd) subscribers[i--] = subscribers[--nsubscribers];
    close(fd);
}
static void watch(int fd, int waiting)
{
    struct epoll_event ev = {.events = EPOLLIN | (waiting ? EPOLLOUT : 0), .data.fd = fd};
    if (P[fd].waiting != waiting) epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev);
    P[fd].waiting = waiting;
}
static void flush(int fd)
{
    buffer *b = &P[fd].out;
    ssize_t sent = send(fd, b->p, b->len, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) { leave(fd); return; }
    if (sent > 0) { memmove(b->p, b->p + sent, b->len - sent); b->len -= sent; }
    watch(fd, b->len > 0);
}
static void frame(int fd, uint32_t n, uint32_t id, const uint8_t *data)
{
    if (n == 0 && id == CALLEE) { callee = fd; send_frame(fd, 0, 0, NULL); }
    else if (n == 0 && id == SUBSCRIBER) { subscribers[nsubscribers++] = fd; send_frame(fd, 0, 0, NULL); }
    else if (id == EVENT) { for (int i = 0; i < nsubscribers; i++) send_frame(subscribers[i], n, 0, data); }
    else if (fd == callee) send_frame((int)id, n, 0, data);
    else send_frame(callee, n, (uint32_t)fd, data);
}
static void receive(int fd)
{
    static uint8_t chunk[CHUNK];
    ssize_t got = read(fd, chunk, sizeof chunk);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) { leave(fd); return; }
    buffer *b = &P[fd].in;
    const uint8_t *p = chunk;
    size_t len = got, used = 0;
    if (b->len) { put(b, chunk, got); p = b->p; len = b->len; }
    while (len - used >= 8) {
        uint32_t head[2];
        memcpy(head, p + used, sizeof head);
        if (len - used - 8 < head[0]) break;
        frame(fd, head[0], head[1], p + used + 8);
        used += 8 + (size_t)head[0];
    }
    if (b->len) { memmove(b->p, b->p + used, len - used); b->len = len - used; }
    else if (used < len) put(b, p + used, len - used);
}
static void welcome(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK), one = 1;
    if (fd < 0) return;
    if (fd >= MAX) { close(fd); return; }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    P[fd].open = 1;
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
    send_frame(fd, 0, (uint32_t)fd, NULL);
}
int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 0)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (argc != 2 || bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 1024)) {
        perror("usage: floor PORT");
        return 1;
    }
    ep = epoll_create1(0);
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = listener}, events[512];
    epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev);
    for (;;) {
        int n = epoll_wait(ep, events, 512, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) { welcome(fd); continue; }
            if (P[fd].open && (events[i].events & EPOLLOUT)) flush(fd);
            if (P[fd].open && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) receive(fd);
        }
        for (int i = 0; i < ndirty; i++) {
            int fd = dirty[i];
            P[fd].dirty = 0;
            if (P[fd].open && P[fd].out.len) flush(fd);
        }
        ndirty = 0;
    }
}
