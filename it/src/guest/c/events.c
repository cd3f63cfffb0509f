// Event descriptors, pipes, sockets and procfs through a checkpoint: sets all up, waits half a second (in which it may be frozen), then looks whether all is still there.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SAY(...) dprintf(1, __VA_ARGS__)

static void send_fd(int socket, int fd, const char *text) {
  struct iovec iv = {(void *)text, strlen(text)};
  char control[CMSG_SPACE(4)] = {0};
  struct msghdr m = {0, 0, &iv, 1, control, sizeof control, 0};
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(4);
  memcpy(CMSG_DATA(c), &fd, 4);
  if (sendmsg(socket, &m, 0) < 0) SAY("sendmsg %d\n", errno);
}

static int receive_fd(int socket, char *text, int size) {
  struct iovec iv = {text, size};
  char control[CMSG_SPACE(4)];
  struct msghdr m = {0, 0, &iv, 1, control, sizeof control, 0};
  ssize_t n = recvmsg(socket, &m, 0);
  text[n < 0 ? 0 : n] = 0;
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  int fd = -1;
  if (c) memcpy(&fd, CMSG_DATA(c), 4);
  return fd;
}

static void *blocked_reader(void *fd) {
  char text[10];
  return (void *)(long)read(*(int *)fd, text, 10);
}

static void *blocked_acceptor(void *fd) { return (void *)(long)accept(*(int *)fd, 0, 0); }

static struct sockaddr_un address(const char *path) {
  struct sockaddr_un a = {AF_UNIX, ""};
  strncpy(a.sun_path + (*path == '@'), path + (*path == '@'), 90);
  return a;
}

int main(void) {
  char text[200];
  int p[2], full[2], in_flight[2], s[2], seq[2], blocked[2];
  uint64_t value;
  pipe(p);
  write(p[1], "piped", 5);
  pipe2(full, O_NONBLOCK);
  fcntl(full[0], F_SETPIPE_SZ, 8192);
  while (write(full[1], "x", 1) == 1) {}

  int event = eventfd(5, EFD_NONBLOCK);
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  struct itimerspec soon = {{0, 0}, {2, 500000000}};
  timerfd_settime(timer, 0, &soon, 0);
  int expired = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
  struct itimerspec now = {{1000, 0}, {0, 1}};
  timerfd_settime(expired, 0, &now, 0);

  sigset_t usr;
  sigemptyset(&usr);
  sigaddset(&usr, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &usr, 0);
  int signals = signalfd(-1, &usr, SFD_NONBLOCK);
  kill(getpid(), SIGUSR1);

  int epoll = epoll_create1(0), outer = epoll_create1(0);
  struct epoll_event e = {EPOLLIN | EPOLLET, {.u64 = 1}}, got[8];
  epoll_ctl(epoll, EPOLL_CTL_ADD, event, &e);
  epoll_wait(epoll, got, 8, 0);  // takes the first edge
  e = (struct epoll_event){EPOLLIN | EPOLLET, {.u64 = 2}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, p[0], &e);  // an edge that nobody has seen
  e = (struct epoll_event){EPOLLIN | EPOLLONESHOT, {.u64 = 3}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, expired, &e);
  e = (struct epoll_event){EPOLLIN, {.u64 = 4}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &e);
  epoll_ctl(outer, EPOLL_CTL_ADD, epoll, &e);

  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  write(s[0], "before", 6);
  pipe(in_flight);
  send_fd(s[0], in_flight[1], "carrier");
  close(in_flight[1]);
  socketpair(AF_UNIX, SOCK_SEQPACKET, 0, seq);
  send(seq[0], "one", 3, 0);
  send(seq[0], "two", 3, 0);
  close(seq[0]);

  unlink("/tmp/events.sock");
  mkdir("/tmp", 0777);
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un a = address("/tmp/events.sock");
  bind(listener, (void *)&a, sizeof a);
  listen(listener, 5);
  int client = socket(AF_UNIX, SOCK_STREAM, 0);
  connect(client, (void *)&a, sizeof a);
  write(client, "early", 5);
  int datagrams = socket(AF_UNIX, SOCK_DGRAM, 0);
  a = address("@thaw-events");
  bind(datagrams, (void *)&a, 14);
  int named = socket(AF_UNIX, SOCK_STREAM, 0);
  a = address("@thaw-listener");
  bind(named, (void *)&a, 16);
  listen(named, 1);

  unlink("/tmp/events.fifo");
  mkfifo("/tmp/events.fifo", 0600);
  int fifo = open("/tmp/events.fifo", O_RDWR);
  write(fifo, "fifo", 4);

  int status = open("/proc/self/status", O_RDONLY), zero = open("/dev/zero", O_RDWR), cpus = open("/sys/devices/system/cpu/online", O_RDONLY);
  read(status, text, 5);
  chdir("/proc/self/net");

  mkdir("/tmp/events.dir", 0700);
  unlink("/tmp/events.dir/one");
  unlink("/tmp/events.dir/two");
  int notify = inotify_init1(IN_NONBLOCK);
  inotify_add_watch(notify, "/tmp/events.dir", IN_CREATE);
  close(open("/tmp/events.dir/one", O_CREAT, 0600));

  pipe(blocked);
  pthread_t reader, acceptor;
  pthread_create(&reader, 0, blocked_reader, &blocked[0]);
  pthread_create(&acceptor, 0, blocked_acceptor, &named);

  SAY("ready\n");
  struct timespec half = {0, 500000000};
  nanosleep(&half, 0);

  memset(text, 0, sizeof text);
  SAY("pipe %zd %s\n", read(p[0], text, 100), text);
  int n = 0;
  ioctl(full[0], FIONREAD, &n);
  SAY("full %d %d %zd\n", n, fcntl(full[0], F_GETPIPE_SZ), write(full[1], "x", 1));
  write(p[1], "again", 5);
  n = epoll_wait(epoll, got, 8, 0);
  SAY("epoll %d:", n);
  for (int i = 0; i < n; i++) SAY(" %ld/%x", (long)got[i].data.u64, got[i].events);
  SAY("\nagain %d\n", epoll_wait(epoll, got, 8, 0));
  n = epoll_wait(outer, got, 8, 20000);
  SAY("timer through nesting %d", n);
  n = epoll_wait(epoll, got, 8, 0);
  SAY(" %d %ld\n", n, (long)got[0].data.u64);
  n = read(timer, &value, 8);
  SAY("timer %d %ld\n", n, (long)value);
  n = read(event, &value, 8);
  SAY("event %d %ld\n", n, (long)value);
  struct signalfd_siginfo info;
  n = read(signals, &info, sizeof info);
  SAY("signal %d %d\n", n, info.ssi_signo);

  n = recv(s[1], text, 3, 0);
  SAY("stream %d %.3s\n", n, text);
  n = recv(s[1], text, 3, 0);
  SAY("stream %d %.3s\n", n, text);
  int fd = receive_fd(s[1], text, 100);
  SAY("carried %d %s\n", fd >= 0, text);
  write(fd, "through", 7);
  close(fd);
  n = read(in_flight[0], text, 100);
  SAY("in flight %d %.7s, end %zd\n", n, text, read(in_flight[0], text, 1));
  SAY("seq %zd", recv(seq[1], text, 100, 0));
  SAY(" %zd", recv(seq[1], text, 100, 0));
  SAY(" %zd\n", recv(seq[1], text, 100, 0));
  int accepted = accept(listener, 0, 0);
  n = read(accepted, text, 100);
  SAY("accepted %d %.5s\n", n, text);
  write(accepted, "reply", 5);
  n = read(client, text, 100);
  SAY("reply %d %.5s\n", n, text);
  a = address("/tmp/events.sock");
  client = socket(AF_UNIX, SOCK_STREAM, 0);
  SAY("by path %d\n", connect(client, (void *)&a, sizeof a));
  int sender = socket(AF_UNIX, SOCK_DGRAM, 0);
  a = address("@thaw-events");
  SAY("by abstract name %zd\n", sendto(sender, "dg", 2, 0, (void *)&a, 14));
  SAY("datagram %zd\n", recv(datagrams, text, 100, 0));
  SAY("fifo %zd\n", read(fifo, text, 100));
  write(blocked[1], "wake", 4);
  void *result;
  pthread_join(reader, &result);
  SAY("reader %ld\n", (long)result);
  a = address("@thaw-listener");
  client = socket(AF_UNIX, SOCK_STREAM, 0);
  connect(client, (void *)&a, 16);
  pthread_join(acceptor, &result);
  SAY("acceptor %d\n", (long)result > 0);
  char rest[4096] = {0};
  read(status, rest, sizeof rest - 1);
  SAY("status goes on %d, %d\n", rest[0] == '\t', strstr(rest, "Threads:\t") != 0);
  SAY("zero %zd cpus %d here %d\n", read(zero, text, 10), read(cpus, text, 10) > 0, access("unix", R_OK));
  SAY("self %d\n", access("/proc/self/task", X_OK));
  close(open("/tmp/events.dir/two", O_CREAT, 0600));
  n = read(notify, rest, sizeof rest);
  SAY("notices %d %s %s\n", n, rest + 16, rest + 48);
  SAY("done\n");
  return 0;
}
