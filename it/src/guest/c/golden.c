/* The program of the golden image: without a library, so that it relies on no CPU feature and no file but itself. It sets up one of many kinds of kernel objects, then
   says "n COUNT" again and again, after looking whether all of them still hold what they held. */
#include <stdint.h>

enum { READ = 0, WRITE = 1, OPEN = 2, PIPE2 = 293, EVENTFD2 = 290, EPOLL_CREATE1 = 291, EPOLL_CTL = 233, EPOLL_WAIT = 232, SOCKETPAIR = 53, MEMFD_CREATE = 319, PREAD64 = 17,
       RT_SIGPROCMASK = 14, RT_SIGPENDING = 127, KILL = 62, GETPID = 39, FORK = 57, NANOSLEEP = 35, EXIT_GROUP = 231, MMAP = 9, MKDIR = 83, TIMERFD_CREATE = 283, TIMERFD_SETTIME = 286 };

static long call(long n, long a, long b, long c, long d) {
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = -1;
    register long r9 __asm__("r9") = 0;
    __asm__ volatile("syscall" : "=a"(result) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
    return result;
}

#define P(x) ((long)(intptr_t)(x))

static long length(const char *text) {
    long n = 0;
    while (text[n] != 0) {
        n++;
    }
    return n;
}

static void say(const char *text) { call(WRITE, 1, P(text), length(text), 0); }

static void check(int good, const char *what) {
    if (!good) {
        say("wrong: ");
        say(what);
        say("\n");
        call(EXIT_GROUP, 1, 0, 0, 0);
    }
}

/* Takes what is in from, compares it and puts it into to again. */
static void turn(int from, int to, const char *expected, const char *what) {
    char buffer[64];
    long n = call(READ, from, P(buffer), sizeof buffer, 0);
    check(n == length(expected), what);
    for (long i = 0; i < n; i++) {
        check(buffer[i] == expected[i], what);
    }
    check(call(WRITE, to, P(buffer), n, 0) == n, what);
}

static void holds(int fd, const char *expected, const char *what) {
    char buffer[64];
    long n = call(PREAD64, fd, P(buffer), sizeof buffer, 0);
    check(n == length(expected), what);
    for (long i = 0; i < n; i++) {
        check(buffer[i] == expected[i], what);
    }
}

__attribute__((noreturn, used)) void start(void) {
    int pipe[2], pair[2];
    uint64_t five = 5, mask = 1 << 9, pending = 0; /* SIGUSR1 */
    struct { uint32_t events; uint64_t data; } __attribute__((packed)) event = {1, 77}, got;
    long pause[2] = {0, 50000000}, forever[2] = {1000000, 0}, timer[4] = {0, 0, 1000000, 0};
    call(PIPE2, P(pipe), 0, 0, 0);
    call(WRITE, pipe[1], P("in the pipe"), 11, 0);
    call(SOCKETPAIR, 1, 1, 0, P(pair));
    call(WRITE, pair[1], P("in the socket"), 13, 0);
    long memory = call(MEMFD_CREATE, P("golden"), 0, 0, 0);
    call(WRITE, memory, P("in the memfd"), 12, 0);
    call(MKDIR, P("/dir"), 0700, 0, 0);
    long file = call(OPEN, P("/dir/file"), 0102, 0600, 0);
    call(WRITE, file, P("in the file"), 11, 0);
    long counter = call(EVENTFD2, 0, 0, 0, 0);
    call(WRITE, counter, P(&five), 8, 0);
    long epoll = call(EPOLL_CREATE1, 0, 0, 0, 0);
    call(EPOLL_CTL, epoll, 1, counter, P(&event));
    long clock = call(TIMERFD_CREATE, 1, 0, 0, 0);
    call(TIMERFD_SETTIME, clock, 0, P(timer), 0);
    call(RT_SIGPROCMASK, 0, P(&mask), 0, 8);
    call(KILL, call(GETPID, 0, 0, 0, 0), 10, 0, 0);
    uint64_t *shared = (uint64_t *)call(MMAP, 0, 1 << 20, 3, 0x21);
    uint64_t *own = (uint64_t *)call(MMAP, 0, 1 << 20, 3, 0x22);
    for (long i = 0; i < 1 << 17; i += 512) {
        own[i] = (uint64_t)i * 2654435761;
    }
    if (call(FORK, 0, 0, 0, 0) == 0) {
        for (;;) { /* a second process, which counts in shared memory */
            shared[0]++;
            call(NANOSLEEP, P(pause), 0, 0, 0);
        }
    }
    if (call(FORK, 0, 0, 0, 0) == 0) {
        call(NANOSLEEP, P(forever), 0, 0, 0);
    }
    for (uint64_t count = 1;; count++) {
        uint64_t before = shared[0];
        call(NANOSLEEP, P(pause), 0, 0, 0);
        call(NANOSLEEP, P(pause), 0, 0, 0);
        check(shared[0] >= before, "shared memory");
        turn(pipe[0], pipe[1], "in the pipe", "pipe");
        turn(pair[0], pair[1], "in the socket", "socket");
        holds((int)memory, "in the memfd", "memfd");
        holds((int)file, "in the file", "file");
        check(call(EPOLL_WAIT, epoll, P(&got), 1, 0) == 1 && got.data == 77, "epoll");
        check(call(RT_SIGPENDING, P(&pending), 8, 0, 0) == 0 && pending == mask, "pending signal");
        for (long i = 0; i < 1 << 17; i += 512) {
            check(own[i] == (uint64_t)i * 2654435761, "memory");
        }
        char line[32] = "n                    ";
        long at = 20;
        line[at] = '\n';
        for (uint64_t left = count; left > 0; left /= 10) {
            line[--at] = (char)('0' + left % 10);
        }
        line[at - 2] = 'n';
        call(WRITE, 1, P(line + at - 2), 23 - at, 0);
    }
}

__asm__(".globl _start\n_start:\n xor %ebp, %ebp\n and $-16, %rsp\n call start\n");
