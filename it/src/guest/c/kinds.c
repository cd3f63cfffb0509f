// Kernel objects that a checkpoint must keep, each set up, kept for a moment (in which the program may be frozen) and then looked at. One argument: which.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SAY(...) dprintf(1, __VA_ARGS__)

static void moment(void) {
  SAY("ready\n");
  usleep(300000);
}

static int lock(int fd, int command, int type, long from, long length) {
  struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = from, .l_len = length};
  return fcntl(fd, command, &l) < 0 ? -errno : l.l_type;
}

/* Anonymous files: content, holes, seals, two mappings of one page, a position, and /proc/self/fd. */
static void memfds(void) {
  int fd = memfd_create("one", MFD_ALLOW_SEALING | MFD_CLOEXEC);
  ftruncate(fd, 1 << 20);
  pwrite(fd, "front", 5, 0);
  pwrite(fd, "back", 4, (1 << 20) - 4);
  char *a = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
  char *b = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
  char *c = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 4096);
  strcpy(a, "shared");
  strcpy(c + 4096, "private");
  lseek(fd, 3, SEEK_SET);
  SAY("seal %d\n", fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
  int plain = memfd_create("two", 0);
  write(plain, "kept", 4);
  char path[64];
  sprintf(path, "/proc/self/fd/%d", plain);
  moment();
  char text[64] = {0};
  SAY("position %zd %.2s\n", read(fd, text, 2), text);
  SAY("mapped %s %s %s\n", a, b, c + 4096);
  strcpy(b + 10, "after");
  SAY("together %s file %zd %.5s\n", a + 10, pread(fd, text, 5, 4096 + 10), text);
  SAY("shrink %d", ftruncate(fd, 10) < 0 ? errno : 0);
  SAY(" grow %d seals %d\n", ftruncate(fd, 2 << 20), fcntl(fd, F_GET_SEALS));
  SAY("back %zd %.4s\n", pread(fd, text, 4, (1 << 20) - 4), text);
  struct stat s;
  fstat(plain, &s);
  SAY("plain %ld links %ld\n", (long)s.st_size, (long)s.st_nlink);
  int again = open(path, O_RDWR);
  SAY("again %zd %.4s seals %d\n", pread(again, text, 10, 0), text, fcntl(again, F_GET_SEALS));
  memset(text, 0, sizeof text);
  readlink(path, text, 60);
  SAY("name %s\n", text);
}

/* POSIX locks of two processes, one that waits; a flock shared by fork; locks of open file descriptions. */
static void locks(void) {
  char name[] = "/tmp/kinds-locks-XXXXXX";
  int fd = mkstemp(name), pipes[2], ready[2];
  ftruncate(fd, 1000);
  pipe(pipes);
  pipe(ready);
  SAY("parent %d %d\n", lock(fd, F_SETLK, F_WRLCK, 0, 10), lock(fd, F_SETLK, F_RDLCK, 100, 50));
  int shared = open(name, O_RDWR), ofd = open(name, O_RDWR), other = open(name, O_RDWR);
  SAY("flock %d\n", flock(shared, LOCK_EX));
  SAY("ofd %d\n", lock(ofd, F_OFD_SETLK, F_WRLCK, 200, 10));
  pid_t child = fork();
  if (child == 0) {
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 105, .l_len = 1};
    fcntl(fd, F_GETLK, &l);
    SAY("child sees %d %ld+%ld of its parent %d\n", l.l_type, (long)l.l_start, (long)l.l_len, l.l_pid == getppid());
    SAY("child reads %d\n", lock(fd, F_SETLK, F_RDLCK, 120, 10));
    SAY("child flock %d %d\n", flock(shared, LOCK_EX | LOCK_NB), flock(other, LOCK_SH | LOCK_NB) < 0 ? errno : 0);
    write(ready[1], "x", 1);
    SAY("child gets %d\n", lock(fd, F_SETLKW, F_WRLCK, 5, 1));
    write(pipes[1], "y", 1);
    _exit(0);
  }
  char byte;
  read(ready[0], &byte, 1);
  usleep(50000);
  moment();
  SAY("parent writes %d\n", lock(fd, F_SETLK, F_WRLCK, 125, 1));
  struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 205, .l_len = 1};
  fcntl(other, F_OFD_GETLK, &l);
  SAY("ofd seen %d %ld %d\n", l.l_type, (long)l.l_start, l.l_pid);
  SAY("ofd again %d other %d\n", lock(ofd, F_OFD_SETLK, F_WRLCK, 200, 10), lock(other, F_OFD_SETLK, F_WRLCK, 200, 10));
  SAY("flock other %d\n", flock(other, LOCK_EX | LOCK_NB) < 0 ? errno : 0);
  SAY("unlock\n");
  lock(fd, F_SETLK, F_UNLCK, 0, 10);
  read(pipes[0], &byte, 1);
  waitpid(child, 0, 0);
  SAY("after its end %d\n", lock(fd, F_SETLK, F_WRLCK, 125, 1));
  close(shared);
  SAY("flock free %d\n", flock(other, LOCK_EX | LOCK_NB));
  close(ofd);
  SAY("ofd free %d\n", lock(other, F_OFD_SETLK, F_WRLCK, 200, 10));
  unlink(name);
}

/* Files without a name, a renamed one, a directory that is gone, hard links, a fifo, O_TMPFILE. */
static void files(void) {
  char dir[] = "/tmp/kinds-files-XXXXXX", text[64] = {0};
  mkdtemp(dir);
  chdir(dir);
  int gone = open("gone", O_RDWR | O_CREAT, 0600), moved = open("moved", O_RDWR | O_CREAT | O_APPEND, 0640);
  write(gone, "deleted but open", 16);
  unlink("gone");
  link("moved", "second");
  rename("moved", "elsewhere");
  write(moved, "moved", 5);
  mkdir("d", 0700);
  int d = open("d", O_RDONLY | O_DIRECTORY);
  rmdir("d");
  int unnamed = open(".", O_TMPFILE | O_RDWR, 0600);
  write(unnamed, "unnamed", 7);
  char *map = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, gone, 0);
  close(open("later", O_CREAT, 0600));
  int lost = open("later", O_RDWR);
  rename("second", "later");
  symlink("nowhere", "dangling");
  mkfifo("fifo", 0600);
  utimensat(AT_FDCWD, "elsewhere", (struct timespec[]){{1000, 5}, {2000, 7}}, 0);
  fchmod(gone, 0444);
  moment();
  SAY("gone %zd %.7s %.7s\n", pread(gone, text, 64, 0), text, map);
  memcpy(map, "DELETED", 7);
  SAY("written %zd %.7s\n", pread(gone, text, 64, 0), text);
  struct stat s;
  fstat(gone, &s);
  SAY("links %ld mode %o size %ld\n", (long)s.st_nlink, s.st_mode, (long)s.st_size);
  write(moved, "+more", 5);
  SAY("moved %d\n", stat("elsewhere", &s));
  SAY("links %ld size %ld atime %ld.%ld\n", (long)s.st_nlink, (long)s.st_size, (long)s.st_atim.tv_sec, s.st_atim.tv_nsec);
  int later = open("later", O_RDONLY);
  SAY("later %zd %.10s\n", read(later, text, 64), text);
  fstat(lost, &s);
  SAY("lost %ld\n", (long)s.st_nlink);
  fstat(d, &s);
  SAY("directory %d %d\n", openat(d, "x", O_CREAT | O_RDWR, 0600) < 0 ? errno : 0, S_ISDIR(s.st_mode));
  SAY("unnamed %zd %.7s\n", pread(unnamed, text, 64, 0), text);
  SAY("dangling %zd fifo %d\n", readlink("dangling", text, 64), open("fifo", O_WRONLY | O_NONBLOCK) < 0 ? errno : 0);
  char link_text[100] = {0}, path[40];
  sprintf(path, "/proc/self/fd/%d", gone);
  readlink(path, link_text, 99);
  SAY("says %s\n", strstr(link_text, "/gone (deleted)") ? "deleted" : link_text);
  chdir("/");
  char *argv[] = {"rm", "-r", dir, 0};
  if (fork() == 0) execvp("rm", argv);
  wait(0);
}

/* Limits, names, masks, nice, umask, sessions, alternate stack, pending signals with values, a stopped child, a zombie. */
static void on_signal(int number, siginfo_t *info, void *context) { SAY("signal %d value %d code %d\n", number, info->si_value.sival_int, info->si_code); }

static void processes(void) {
  struct rlimit r = {123, 456};
  setrlimit(RLIMIT_NOFILE, &r);
  prctl(PR_SET_NAME, "renamed");
  prctl(PR_SET_PDEATHSIG, SIGUSR2);
  umask(027);
  setsid();
  stack_t alternate = {malloc(65536), 0, 65536};
  sigaltstack(&alternate, 0);
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigaction(SIGRTMIN, &action, 0);
  sigaction(SIGRTMIN + 1, &action, 0);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  sigaddset(&set, SIGRTMIN + 1);
  sigprocmask(SIG_BLOCK, &set, 0);
  for (int i = 1; i <= 3; i++) sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i});
  sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 9});
  pid_t zombie = fork();
  if (zombie == 0) _exit(7);
  int go[2];
  char byte = 0;
  pipe(go);
  pid_t stopped = fork();
  if (stopped == 0) {
    raise(SIGSTOP);
    read(go[0], &byte, 1);
    _exit(8);
  }
  int status;
  waitpid(stopped, &status, WUNTRACED);
  SAY("stopped %d by %d\n", WIFSTOPPED(status), WSTOPSIG(status));
  siginfo_t info = {0};
  waitid(P_PID, zombie, &info, WEXITED | WNOWAIT);
  struct itimerval it = {{0, 0}, {100, 0}};
  setitimer(ITIMER_VIRTUAL, &it, 0);
  alarm(1000);
  moment();
  getrlimit(RLIMIT_NOFILE, &r);
  char name[16];
  int signal;
  prctl(PR_GET_NAME, name);
  prctl(PR_GET_PDEATHSIG, &signal);
  SAY("limits %ld %ld name %s death %d umask %o session %d\n", (long)r.rlim_cur, (long)r.rlim_max, name, signal, umask(0), getsid(0) == getpid());
  stack_t now;
  sigaltstack(0, &now);
  SAY("stack %d %zd\n", now.ss_sp == alternate.ss_sp, now.ss_size);
  SAY("zombie %d", waitpid(zombie, &status, 0) == zombie);
  SAY(" %d\n", WEXITSTATUS(status));
  SAY("again %d\n", waitpid(stopped, &status, WNOHANG | WUNTRACED));
  kill(stopped, SIGCONT);
  waitpid(stopped, &status, WCONTINUED);
  SAY("continued %d\n", WIFCONTINUED(status));
  write(go[1], &byte, 1);
  waitpid(stopped, &status, 0);
  SAY("ended %d\n", WEXITSTATUS(status));
  getitimer(ITIMER_VIRTUAL, &it);
  unsigned left = alarm(0);
  SAY("virtual %d alarm %d\n", it.it_value.tv_sec >= 98, left > 900);
  sigprocmask(SIG_UNBLOCK, &set, 0);
}

/* A descriptor in a message in a socket that is itself in flight; datagrams with senders; credentials; half-closed streams; a full backlog. */
static int carry(int socket, int fd, int number) {
  char byte = (char)number, control[CMSG_SPACE(4)] = {0};
  struct iovec iv = {&byte, 1};
  struct msghdr m = {0, 0, &iv, 1, control, sizeof control, 0};
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  *c = (struct cmsghdr){CMSG_LEN(4), SOL_SOCKET, SCM_RIGHTS};
  memcpy(CMSG_DATA(c), &fd, 4);
  return sendmsg(socket, &m, 0);
}

static int uncarry(int socket) {
  char byte, control[CMSG_SPACE(4)];
  struct iovec iv = {&byte, 1};
  struct msghdr m = {0, 0, &iv, 1, control, sizeof control, 0};
  int fd = -1;
  recvmsg(socket, &m, 0);
  if (CMSG_FIRSTHDR(&m)) memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), 4);
  return fd;
}

static void sockets(void) {
  int outer[2], inner[2], half[2], pipes[2], on = 1;
  char text[100] = {0};
  socketpair(AF_UNIX, SOCK_STREAM, 0, outer);
  socketpair(AF_UNIX, SOCK_STREAM, 0, inner);
  socketpair(AF_UNIX, SOCK_STREAM, 0, half);
  pipe(pipes);
  write(pipes[1], "deep", 4);
  carry(inner[0], pipes[0], 1);
  carry(outer[0], inner[1], 2);
  close(pipes[0]);
  close(inner[1]);
  write(half[0], "last words", 10);
  shutdown(half[0], SHUT_WR);
  int buffer = 65536;
  setsockopt(half[1], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  struct timeval tv = {0, 400000};
  setsockopt(half[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
  int receiver = socket(AF_UNIX, SOCK_DGRAM, 0), sender = socket(AF_UNIX, SOCK_DGRAM, 0);
  struct sockaddr_un r = {AF_UNIX, "\0kinds-receiver"}, s = {AF_UNIX, "\0kinds-sender"};
  bind(receiver, (void *)&r, 2 + 15);
  bind(sender, (void *)&s, 2 + 13);
  setsockopt(receiver, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  connect(sender, (void *)&r, 2 + 15);
  send(sender, "first", 5, 0);
  send(sender, "", 0, 0);
  send(sender, "third", 5, 0);
  int listener = socket(AF_UNIX, SOCK_SEQPACKET, 0), client = socket(AF_UNIX, SOCK_SEQPACKET, 0);
  struct sockaddr_un l = {AF_UNIX, "\0kinds-listener"};
  bind(listener, (void *)&l, 2 + 15);
  listen(listener, 2);
  connect(client, (void *)&l, 2 + 15);
  send(client, "queued", 6, 0);
  close(client);
  moment();
  int socket_again = uncarry(outer[1]), pipe_again = uncarry(socket_again);
  SAY("deep %zd %.4s\n", read(pipe_again, text, 10), text);
  SAY("words %zd", read(half[1], text, 100));
  SAY(" %.10s end %zd\n", text, read(half[1], text, 100));
  SAY("other way %zd", write(half[1], "reply", 5));
  SAY(" %zd\n", read(half[0], text, 100));
  SAY("timeout %d\n", read(half[0], text, 100) < 0 ? errno : 0);
  SAY("after shutdown %d\n", send(half[0], "x", 1, MSG_NOSIGNAL) < 0 ? errno : 0);
  for (int i = 0; i < 3; i++) {
    struct sockaddr_un from = {0};
    char control[CMSG_SPACE(sizeof(struct ucred))];
    struct iovec iv = {text, sizeof text};
    struct msghdr m = {&from, sizeof from, &iv, 1, control, sizeof control, 0};
    ssize_t n = recvmsg(receiver, &m, 0);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    struct ucred who = {0};
    if (c) memcpy(&who, CMSG_DATA(c), sizeof who);
    SAY("datagram %zd from %.12s type %d me %d\n", n, from.sun_path + 1, c ? c->cmsg_type : -1, who.pid == getpid());
  }
  int accepted = accept(listener, 0, 0);
  SAY("accepted %zd", recv(accepted, text, 100, 0));
  SAY(" %.6s end %zd\n", text, recv(accepted, text, 100, 0));
  struct sockaddr_un name = {0};
  socklen_t size = sizeof name;
  getpeername(sender, (void *)&name, &size);
  SAY("peer %d %.14s\n", size, name.sun_path + 1);
}

/* Clocks and what is left on timers. */
static void clocks(void) {
  struct timespec a, b, real;
  clock_gettime(CLOCK_MONOTONIC, &a);
  int rel = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), far = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
  struct itimerspec its = {{0, 0}, {1000, 0}};
  timerfd_settime(rel, 0, &its, 0);
  clock_gettime(CLOCK_REALTIME, &real);
  its.it_value.tv_sec = real.tv_sec + 5000;
  timerfd_settime(far, TFD_TIMER_ABSTIME, &its, 0);
  timer_t posix;
  struct sigevent event = {.sigev_notify = SIGEV_NONE};
  timer_create(CLOCK_MONOTONIC, &event, &posix);
  its = (struct itimerspec){{0, 0}, {3000, 0}};
  timer_settime(posix, 0, &its, 0);
  moment();
  clock_gettime(CLOCK_MONOTONIC, &b);
  double passed = b.tv_sec - a.tv_sec + (b.tv_nsec - a.tv_nsec) / 1e9;
  SAY("moved %d little %d\n", passed >= 0.3, passed < 30);
  timerfd_gettime(rel, &its);
  SAY("relative %d\n", its.it_value.tv_sec > 960 && its.it_value.tv_sec <= 1000);
  timerfd_gettime(far, &its);
  SAY("absolute %d\n", its.it_value.tv_sec > 4900 && its.it_value.tv_sec <= 5000);
  timer_gettime(posix, &its);
  SAY("posix %d\n", its.it_value.tv_sec > 2960 && its.it_value.tv_sec <= 3000);
  struct timespec boot;
  clock_gettime(CLOCK_BOOTTIME, &boot);
  SAY("boot %d\n", boot.tv_sec >= b.tv_sec);
  struct tms t;
  SAY("cpu %d times %d\n", clock() >= 0, times(&t) > 0);
}

int main(int argc, char **argv) {
  struct { const char *name; void (*run)(void); } kinds[] = {{"memfds", memfds}, {"locks", locks}, {"files", files}, {"processes", processes}, {"sockets", sockets}, {"clocks", clocks}};
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (argc == 2 && strcmp(argv[1], kinds[i].name) == 0) {
      kinds[i].run();
      SAY("done\n");
      return 0;
    }
  }
  return 2;
}
