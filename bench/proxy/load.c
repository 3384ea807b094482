/*
 * Load that wrk does not give: one thread, epoll, over loopback.
 *
 *     load echo PORT CONNECTIONS SECONDS      websocket round trips, one under way on each connection
 *     load rate PORT CONNECTIONS SECONDS N    N requests a second in all, evenly spread, whatever comes back
 *     load idle PORT CONNECTIONS              one request on each, then held until its input ends
 *
 * Says in one line of JSON what it saw. Latency at a rate counts from when a request was due, so that a proxy
 * that stalls cannot hide it.
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
#include <time.h>
#include <unistd.h>

enum { MESSAGE = 106, BUCKETS = 1000000 };

struct peer {
  int fd;
  int is_open;     /* its upgrade was agreed to */
  int is_busy;
  size_t got;
  int64_t due;
};

static struct peer *peers;
static int poller, count;
static uint32_t *buckets; /* by microseconds */
static uint64_t done;
static const char upgrade[] =
    "GET /echo HTTP/1.1\r\nHost: shop.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
static const char request[] = "GET /64 HTTP/1.1\r\nHost: shop.localhost\r\n\r\n";
static char message[MESSAGE], bytes[65536];

static int64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void say(struct peer *peer, const char *words, size_t length) {
  peer->is_busy = 1;
  peer->got = 0;
  if (send(peer->fd, words, length, MSG_NOSIGNAL) != (ssize_t)length) {
    perror("send");
    exit(1);
  }
}

static void open_all(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  poller = epoll_create1(0);
  peers = calloc(count, sizeof *peers);
  for (int i = 0; i < count; i++) {
    int on = 1, fd = peers[i].fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) {
      perror("connect");
      exit(1);
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
  }
}

static ssize_t hear(struct peer *peer) {
  ssize_t n = recv(peer->fd, bytes, sizeof bytes - 1, MSG_DONTWAIT);
  if (n > 0 || (n < 0 && errno == EAGAIN)) return n < 0 ? 0 : n;
  fprintf(stderr, "load: the proxy closed a connection\n");
  exit(1);
}

static void note(int64_t ns) {
  int64_t us = ns / 1000;
  buckets[us < BUCKETS ? us : BUCKETS - 1]++;
  done++;
}

static double percentile(double share) {
  uint64_t sum = 0, wanted = (uint64_t)(done * share);
  for (int us = 0; us < BUCKETS; us++)
    if ((sum += buckets[us]) > wanted) return us / 1000.0;
  return BUCKETS / 1000.0;
}

static void report(int64_t took) {
  printf("{\"done\":%llu,\"perSecond\":%.0f,\"p50Ms\":%.3f,\"p99Ms\":%.3f}\n", (unsigned long long)done,
         done * 1e9 / took, percentile(0.5), percentile(0.99));
}

static void echo(int seconds) {
  /* A binary frame of 100 bytes; a mask of zeros leaves them as they are. */
  memset(message, 'x', sizeof message);
  memcpy(message, "\x82\xe4\0\0\0\0", 6);
  for (int i = 0; i < count; i++) say(&peers[i], upgrade, sizeof upgrade - 1);
  int64_t start = now_ns(), end = start + seconds * 1000000000LL, now = start;
  struct epoll_event events[512];
  while (now < end) {
    int n = epoll_wait(poller, events, 512, 100);
    now = now_ns();
    for (int i = 0; i < n; i++) {
      struct peer *peer = &peers[events[i].data.u32];
      ssize_t some = hear(peer);
      if (some == 0) continue;
      if (!peer->is_open) {
        bytes[some] = 0;
        if (!strstr(bytes, "\r\n\r\n")) continue;
        peer->is_open = 1;
      } else if ((peer->got += some) < MESSAGE) {
        continue;
      } else {
        note(now - peer->due);
      }
      peer->due = now;
      say(peer, message, MESSAGE);
    }
  }
  report(now - start);
}

static void rate(int seconds, int per_second) {
  int64_t start = now_ns(), end = start + seconds * 1000000000LL, now = start, sent = 0;
  int next = 0;
  struct epoll_event events[512];
  while (now < end) {
    int64_t due_count = (now - start) * per_second / 1000000000LL;
    for (int tried = 0; sent < due_count && tried < count; tried++) {
      struct peer *peer = &peers[next++ % count];
      if (peer->is_busy) continue;
      peer->due = start + sent * 1000000000LL / per_second;
      say(peer, request, sizeof request - 1);
      sent++;
    }
    int n = epoll_wait(poller, events, 512, 0);
    now = now_ns();
    for (int i = 0; i < n; i++) {
      struct peer *peer = &peers[events[i].data.u32];
      if (hear(peer) == 0) continue;
      peer->is_busy = 0;
      note(now - peer->due);
    }
  }
  report(now - start);
}

static void idle(void) {
  for (int i = 0; i < count; i++) {
    say(&peers[i], request, sizeof request - 1);
    if (recv(peers[i].fd, bytes, sizeof bytes, 0) <= 0) {
      perror("recv");
      exit(1);
    }
  }
  puts("ready");
  fflush(stdout);
  while (read(0, bytes, sizeof bytes) > 0) continue;
}

int main(int words, char **word) {
  if (words < 4) return 2;
  count = atoi(word[3]);
  buckets = calloc(BUCKETS, sizeof *buckets);
  open_all(atoi(word[2]));
  if (strcmp(word[1], "echo") == 0) echo(atoi(word[4]));
  else if (strcmp(word[1], "rate") == 0) rate(atoi(word[4]), atoi(word[5]));
  else idle();
  return 0;
}
