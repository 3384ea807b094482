/*
 * The app behind the proxies of the benchmark: one thread, epoll, answers made beforehand.
 *
 *     backend PORT
 *
 * `/N` (or `/N?anything`) is answered with N bytes; a body, by its length or in chunks, is read and thrown
 * away; an upgrade is agreed to, and from then on every byte comes back. Not a server for anything else: it
 * believes its peers.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_MAX = 16384, BULK = 1 << 20, SIZES_MAX = 64 };

struct peer {
  int fd;
  enum { HEAD, LENGTH, CHUNKS, ECHO } state;
  char head[HEAD_MAX];
  size_t have;
  long left;      /* of a body with a length */
  char tail[5];   /* of a body in chunks: its last bytes */
  long answer;    /* bytes of body that were asked for */
  const char *out;
  size_t out_left;
  char *own;      /* echo that the kernel did not take at once */
  int closes;
};

struct answer { long size; char *bytes; size_t length; };
static struct answer answers[SIZES_MAX];
static int answer_count;
static char bulk[BULK];
static int poller;

static struct answer *answer_of(long size) {
  for (int i = 0; i < answer_count; i++)
    if (answers[i].size == size) return &answers[i];
  if (answer_count == SIZES_MAX) return &answers[0];
  struct answer *made = &answers[answer_count++];
  made->size = size;
  made->bytes = malloc(512 + size);
  int head = sprintf(made->bytes,
                     "HTTP/1.1 200 OK\r\nServer: backend\r\nDate: Fri, 01 Jan 2027 00:00:00 GMT\r\n"
                     "Content-Type: text/plain\r\nContent-Length: %ld\r\n\r\n", size);
  memset(made->bytes + head, 'x', size);
  made->length = head + size;
  return made;
}

static void watch(struct peer *peer, int operation, unsigned events) {
  struct epoll_event event = {.events = events, .data.ptr = peer};
  epoll_ctl(poller, operation, peer->fd, &event);
}

static void drop(struct peer *peer) {
  close(peer->fd);
  free(peer->own);
  free(peer);
}

/* Returns whether all of it went out. */
static int flush(struct peer *peer) {
  while (peer->out_left > 0) {
    ssize_t n = send(peer->fd, peer->out, peer->out_left, MSG_NOSIGNAL);
    if (n <= 0) {
      watch(peer, EPOLL_CTL_MOD, EPOLLOUT);
      return 0;
    }
    peer->out += n;
    peer->out_left -= n;
  }
  return 1;
}

static int answer(struct peer *peer) {
  struct answer *made = answer_of(peer->answer);
  peer->out = made->bytes;
  peer->out_left = made->length;
  peer->state = HEAD;
  return flush(peer);
}

static int begin(struct peer *peer, size_t length) {
  char *head = peer->head;
  head[length - 1] = 0;
  peer->answer = 0;
  char *path = strchr(head, '/');
  if (path) peer->answer = atol(path + 1);
  if (strcasestr(head, "\nupgrade:")) {
    static const char agreed[] =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    peer->state = ECHO;
    peer->out = agreed;
    peer->out_left = sizeof agreed - 1;
    return flush(peer);
  }
  char *field = strcasestr(head, "\ncontent-length:");
  if (field && (peer->left = atol(field + 16)) > 0) {
    peer->state = LENGTH;
    return 1;
  }
  if (strcasestr(head, "\ntransfer-encoding:")) {
    memset(peer->tail, 0, sizeof peer->tail);
    peer->state = CHUNKS;
    return 1;
  }
  return answer(peer);
}

/* Takes what it can of bytes[0..n); returns how many, or -1 when the peer must wait to be written to. */
static ssize_t take(struct peer *peer, const char *bytes, size_t n) {
  if (peer->state == LENGTH) {
    size_t some = (long)n < peer->left ? n : (size_t)peer->left;
    peer->left -= some;
    if (peer->left == 0) answer(peer);
    return some;
  }
  if (peer->state == CHUNKS) {
    size_t some = n < 5 ? n : 5;
    memmove(peer->tail, peer->tail + some, 5 - some);
    memcpy(peer->tail + 5 - some, bytes + n - some, some);
    if (memcmp(peer->tail, "0\r\n\r\n", 5) == 0) answer(peer);
    return n;
  }
  if (peer->state == ECHO) {
    ssize_t sent = send(peer->fd, bytes, n, MSG_NOSIGNAL);
    if (sent < 0) sent = 0;
    if ((size_t)sent < n) {
      free(peer->own);
      peer->own = malloc(n - sent);
      memcpy(peer->own, bytes + sent, n - sent);
      peer->out = peer->own;
      peer->out_left = n - sent;
      watch(peer, EPOLL_CTL_MOD, EPOLLOUT);
    }
    return n;
  }
  size_t room = HEAD_MAX - peer->have - 1;
  size_t some = n < room ? n : room;
  size_t from = peer->have > 3 ? peer->have - 3 : 0;
  memcpy(peer->head + peer->have, bytes, some);
  char *end = memmem(peer->head + from, peer->have + some - from, "\r\n\r\n", 4);
  if (!end) {
    peer->have += some;
    return some;
  }
  size_t length = end + 4 - peer->head, taken = length - peer->have;
  peer->have = 0;
  begin(peer, length);
  return taken;
}

static void readable(struct peer *peer) {
  ssize_t n = recv(peer->fd, bulk, BULK, 0);
  if (n <= 0) {
    if (n < 0 && errno == EAGAIN) return;
    drop(peer);
    return;
  }
  for (ssize_t at = 0; at < n;) at += take(peer, bulk + at, n - at);
}

int main(int count, char **words) {
  signal(SIGPIPE, SIG_IGN);
  int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(count > 1 ? atoi(words[1]) : 9000)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) {
    perror("backend");
    return 1;
  }
  poller = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[512];
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  puts("ready");
  fflush(stdout);
  for (;;) {
    int n = epoll_wait(poller, events, 512, -1);
    for (int i = 0; i < n; i++) {
      struct peer *peer = events[i].data.ptr;
      if (!peer) {
        int fd;
        while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
          setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
          peer = calloc(1, sizeof *peer);
          peer->fd = fd;
          watch(peer, EPOLL_CTL_ADD, EPOLLIN);
        }
      } else if (events[i].events & EPOLLOUT) {
        if (flush(peer)) watch(peer, EPOLL_CTL_MOD, EPOLLIN);
      } else {
        readable(peer);
      }
    }
  }
}
