// What a program is told of its own checkpoints: waits on /proc/thaw/checkpoint and compares what it reads with what it knew.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SAY(...) dprintf(1, __VA_ARGS__)

struct facts {
  long generation, checkpoints;
  char id[40], parent[40];
  double saved, restored;
};

static struct facts read_facts(int fd) {
  struct facts f = {-1, -1};
  char text[512] = {0};
  pread(fd, text, sizeof text - 1, 0);
  sscanf(text, "generation: %ld\nid: %39s\nparent: %39s\ncheckpoints: %ld\nsaved: %lf\nrestored: %lf\n", &f.generation, f.id, f.parent, &f.checkpoints, &f.saved, &f.restored);
  return f;
}

static void boot_id(char *text) {
  int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY);
  text[read(fd, text, 36)] = 0;
  close(fd);
}

int main(int argc, char **argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 1;
  mkdir("/proc", 0755);
  int fd = open("/proc/thaw/checkpoint", O_RDWR), epoll = epoll_create1(0);
  SAY("asked %zd refused %zd\n", write(fd, "renew-random\n", 13), write(fd, "nonsense", 8));
  struct epoll_event e = {EPOLLIN | EPOLLPRI, {.fd = fd}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
  struct facts before = read_facts(fd);
  for (int i = 0; i < rounds; i++) {
    char boot[40], boot_now[40], random[16], kept[16];
    boot_id(boot);
    memcpy(random, (void *)getauxval(AT_RANDOM), 16);
    SAY("quiet %d\n", epoll_wait(epoll, &e, 1, 0));
    if (fork() == 0) {  // a program that did not ask
      memcpy(kept, (void *)getauxval(AT_RANDOM), 16);
      _exit(0);
    }
    wait(0);
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    SAY("ready\n");
    if (argc > 2) write(fd, "checkpoint\n", 11);
    int n = epoll_wait(epoll, &e, 1, 60000);
    clock_gettime(CLOCK_MONOTONIC, &b);
    SAY("told %d %x\n", n, e.events);
    struct facts now = read_facts(fd);
    boot_id(boot_now);
    int restored = now.generation > before.generation;
    SAY("checkpoints +%ld restored %d\n", now.checkpoints - before.checkpoints, restored);
    if (restored) {
      SAY("generation +%ld parent %d id %d boot id %d random %d\n", now.generation - before.generation, strcmp(now.parent, before.id) == 0, strcmp(now.id, before.id) != 0, strcmp(boot, boot_now) != 0,
          memcmp(random, (void *)getauxval(AT_RANDOM), 16) != 0);
      SAY("times %d %d\n", now.saved > 1e9, now.restored >= now.saved && now.restored < time(0) + 2);
    } else {
      SAY("same id %d boot id %d random %d\n", strcmp(now.id, before.id) == 0, strcmp(boot, boot_now) == 0, memcmp(random, (void *)getauxval(AT_RANDOM), 16) == 0);
    }
    before = now;
  }
  SAY("done\n");
  return 0;
}
