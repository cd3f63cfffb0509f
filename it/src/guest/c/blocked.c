/*
 * A guest that waits in one system call, named by its argument, says "ready" before and what it saw after. A checkpoint is taken while it waits.
 * Build: gcc -O2 -static -pthread -o blocked blocked.c      Run: blocked MODE
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DELAY_MS = 1500 };

static int fds[2];
static uint32_t word;
static volatile sig_atomic_t handled;

static long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void sleep_ms(long ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000};
  while (nanosleep(&t, &t) != 0) {
  }
}

static void ready(void) {
  puts("ready");
  fflush(stdout);
}

static void on_signal(int signal) { handled = signal; }

static void *writer(void *unused) {
  sleep_ms(DELAY_MS);
  if (write(fds[1], "x", 1) != 1) abort();
  return unused;
}

static void *waker(void *unused) {
  sleep_ms(DELAY_MS);
  __atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
  return unused;
}

static void start(void *(*function)(void *)) {
  pthread_t thread;
  if (pthread_create(&thread, 0, function, 0) != 0) abort();
}

static void in_time(long start_ms) {
  long took = now_ms() - start_ms;
  if (took < DELAY_MS - 2) printf("too early: %ld ms\n", took);
  else if (took > DELAY_MS + 4000) printf("too late: %ld ms\n", took);
  else puts("in time");
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "";
  char c = '?';
  if (pipe(fds) != 0) abort();

  if (!strcmp(mode, "sleep")) {
    long start_ms = now_ms();
    ready();
    sleep_ms(DELAY_MS);
    in_time(start_ms);
  } else if (!strcmp(mode, "read")) {
    start(writer);
    ready();
    printf("read %zd", read(fds[0], &c, 1));
    printf(" %c\n", c);
  } else if (!strcmp(mode, "futex")) {
    start(waker);
    ready();
    while (!__atomic_load_n(&word, __ATOMIC_SEQ_CST)) {
      syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, 0, 0, 0);
    }
    puts("woken");
  } else if (!strcmp(mode, "futex-timeout")) {
    long start_ms = now_ms();
    struct timespec t = {DELAY_MS / 1000, DELAY_MS % 1000 * 1000000};
    ready();
    long result = syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &t, 0, 0);
    printf("futex %ld %s\n", result, strerror(errno));
    in_time(start_ms);
  } else if (!strcmp(mode, "epoll")) {
    start(writer);
    int epoll = epoll_create1(0), event = eventfd(0, 0);
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = 77};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &e);
    e.data.u64 = 78;
    epoll_ctl(epoll, EPOLL_CTL_ADD, event, &e);
    ready();
    int n = epoll_wait(epoll, &e, 1, -1);
    printf("epoll %d %llu\n", n, (unsigned long long)e.data.u64);
  } else if (!strcmp(mode, "poll")) {
    long start_ms = now_ms();
    struct pollfd p = {fds[0], POLLIN, 0};
    ready();
    printf("poll %d\n", poll(&p, 1, DELAY_MS));
    in_time(start_ms);
  } else if (!strcmp(mode, "select")) {
    start(writer);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fds[0], &set);
    ready();
    printf("select %d\n", select(fds[0] + 1, &set, 0, 0, 0));
  } else if (!strcmp(mode, "wait4")) {
    pid_t child = fork();
    if (child == 0) {
      sleep_ms(DELAY_MS);
      _exit(7);
    }
    int status;
    ready();
    pid_t pid = wait4(-1, &status, 0, 0);
    printf("wait4 %s exit %d\n", pid == child ? "child" : "other", WEXITSTATUS(status));
  } else if (!strcmp(mode, "itimer")) {
    long start_ms = now_ms();
    signal(SIGALRM, on_signal);
    struct itimerval t = {{0, 0}, {DELAY_MS / 1000, DELAY_MS % 1000 * 1000}};
    setitimer(ITIMER_REAL, &t, 0);
    ready();
    while (!handled) pause();
    printf("signal %d\n", handled);
    in_time(start_ms);
  } else if (!strcmp(mode, "posix-timer")) {
    long start_ms = now_ms();
    signal(SIGUSR1, on_signal);
    timer_t timer;
    struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    timer_create(CLOCK_MONOTONIC, &e, &timer);
    struct itimerspec t = {{0, 0}, {DELAY_MS / 1000, DELAY_MS % 1000 * 1000000}};
    timer_settime(timer, 0, &t, 0);
    ready();
    while (!handled) pause();
    printf("signal %d\n", handled);
    in_time(start_ms);
  } else if (!strcmp(mode, "timerfd")) {
    long start_ms = now_ms();
    int timer = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec t = {{0, 0}, {DELAY_MS / 1000, DELAY_MS % 1000 * 1000000}};
    timerfd_settime(timer, 0, &t, 0);
    uint64_t count = 0;
    ready();
    printf("timerfd %zd", read(timer, &count, 8));
    printf(" %llu\n", (unsigned long long)count);
    in_time(start_ms);
  } else if (!strcmp(mode, "pending")) {
    sigset_t set, pending;
    signal(SIGUSR1, on_signal);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, 0);
    raise(SIGUSR1);
    ready();
    sleep_ms(DELAY_MS);
    sigpending(&pending);
    printf("pending %d handled %d\n", sigismember(&pending, SIGUSR1), handled);
    sigprocmask(SIG_UNBLOCK, &set, 0);
    printf("handled %d\n", handled);
  } else if (!strcmp(mode, "full-pipe")) {
    static char bytes[65536 + 5000];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(i * 31 + i / 251);
    if (fork() == 0) {
      close(fds[0]);
      if (write(fds[1], bytes, sizeof bytes) != sizeof bytes) abort();
      _exit(0);
    }
    close(fds[1]);
    ready();
    sleep_ms(DELAY_MS);
    size_t got = 0, wrong = 0;
    unsigned char buf[777];
    for (ssize_t n; (n = read(fds[0], buf, sizeof buf)) > 0; got += n) {
      for (ssize_t i = 0; i < n; i++) wrong += buf[i] != (unsigned char)bytes[got + i];
    }
    printf("got %zu wrong %zu\n", got, wrong);
  } else if (!strcmp(mode, "files")) {
    char name[] = "/tmp/thaw-XXXXXX", buf[16] = {0};
    int file = mkstemp(name);
    if (write(file, "0123456789abcdef", 16) != 16) abort();
    lseek(file, 6, SEEK_SET);
    int other = open(name, O_RDONLY), copy = dup(file);
    unlink(name);
    int kept = open("/tmp/thaw-kept", O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0640);
    if (write(kept, "one\n", 4) != 4) abort();
    mkdir("/tmp/thaw-dir", 0755);
    symlink("../thaw-kept", "/tmp/thaw-dir/link");
    int shell = open("/bin/busybox", O_RDONLY);
    lseek(shell, 1, SEEK_SET);
    ready();
    sleep_ms(DELAY_MS);
    ssize_t n = read(copy, buf, 5);
    printf("deleted file %zd %.5s at %ld", n, buf, (long)lseek(file, 0, SEEK_CUR));
    n = read(other, buf, 3);
    printf(" other %zd %.3s\n", n, buf);
    if (write(kept, "two\n", 4) != 4) abort();
    int again = open("/tmp/thaw-dir/link", O_RDONLY);
    memset(buf, 0, sizeof buf);
    n = read(again, buf, sizeof buf - 1);
    printf("kept %zd %s", n, buf);
    n = read(shell, buf, 3);
    printf("busybox %zd %.3s gone %d\n", n, buf, access(name, F_OK));
  } else if (!strcmp(mode, "shared")) {
    volatile int *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    volatile int *own = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *own = 1;
    if (fork() == 0) {
      *own = 2;
      sleep_ms(DELAY_MS);
      *shared = *own + 40;
      _exit(0);
    }
    ready();
    wait(0);
    printf("shared %d own %d\n", *shared, *own);
  } else {
    fprintf(stderr, "blocked: no mode '%s'\n", mode);
    return 2;
  }
  fflush(stdout);
  return 0;
}
