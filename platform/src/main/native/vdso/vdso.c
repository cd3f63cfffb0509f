/*
 * The guest's vDSO: clocks read from the time stamp counter with the parameters that the Sentry keeps in the page before this image (dev.thaw.sentry.mm.Vdso). What it can not say,
 * or may not while the parameters are invalid, it asks by a system call. No data of its own: this text is part of images and stays as it is in a restored guest, so the layout of
 * struct params may only grow, under a new version.
 */
#include <stdint.h>

typedef int64_t s64;
typedef uint64_t u64;
typedef uint32_t u32;

struct timespec { s64 sec, nsec; };
struct timeval { s64 sec, usec; };
struct timezone { int minutes, dst; };

struct params {
    u32 sequence;  /* odd while the Sentry writes */
    u32 version;
    u64 valid;
    u64 tsc;       /* counter at which the bases hold */
    u64 scale;     /* nanoseconds for each tick, times 2^32 */
    s64 monotonic, realtime, boottime; /* nanoseconds */
};

enum { NR_gettimeofday = 96, NR_time = 201, NR_clock_gettime = 228, NR_clock_getres = 229, NR_getcpu = 309 };
enum { REALTIME = 0, MONOTONIC = 1, MONOTONIC_RAW = 4, REALTIME_COARSE = 5, MONOTONIC_COARSE = 6, BOOTTIME = 7 };

static inline long call3(long nr, long a, long b, long c) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

static inline u64 counter(void) {
    u32 low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (u64)high << 32 | low;
}

/* Nanoseconds of a clock, or -1 when a system call must tell. */
static inline s64 nanoseconds(int clock) {
    const volatile struct params *p;
    __asm__(".hidden __ehdr_start; lea __ehdr_start-4096(%%rip), %0" : "=r"(p)); /* the page before this image */
    for (;;) {
        u32 before = __atomic_load_n(&p->sequence, __ATOMIC_ACQUIRE);
        if (before & 1) {
            __asm__ volatile("pause");
            continue;
        }
        if (p->version != 1 || !p->valid)
            return -1;
        s64 base;
        switch (clock) {
        case REALTIME: case REALTIME_COARSE: base = p->realtime; break;
        case MONOTONIC: case MONOTONIC_RAW: case MONOTONIC_COARSE: base = p->monotonic; break;
        case BOOTTIME: base = p->boottime; break;
        default: return -1;
        }
        u64 start = p->tsc, scale = p->scale, now = counter();
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (p->sequence != before)
            continue;
        u64 ticks = now > start ? now - start : 0;
        return base + (s64)((unsigned __int128)ticks * scale >> 32);
    }
}

/* A division by a constant only: no library is at hand. */
static inline void split(s64 ns, struct timespec *out) {
    out->sec = ns / 1000000000;
    out->nsec = ns % 1000000000;
}

int __vdso_clock_gettime(int clock, struct timespec *out) {
    s64 ns = nanoseconds(clock);
    if (ns < 0)
        return (int)call3(NR_clock_gettime, clock, (long)out, 0);
    split(ns, out);
    return 0;
}

int __vdso_gettimeofday(struct timeval *out, struct timezone *zone) {
    s64 ns = zone ? -1 : nanoseconds(REALTIME);
    if (ns < 0)
        return (int)call3(NR_gettimeofday, (long)out, (long)zone, 0);
    if (out) {
        out->sec = ns / 1000000000;
        out->usec = ns % 1000000000 / 1000;
    }
    return 0;
}

s64 __vdso_time(s64 *out) {
    s64 ns = nanoseconds(REALTIME);
    if (ns < 0)
        return call3(NR_time, (long)out, 0, 0);
    s64 seconds = ns / 1000000000;
    if (out)
        *out = seconds;
    return seconds;
}

int __vdso_clock_getres(int clock, struct timespec *out) {
    return (int)call3(NR_clock_getres, clock, (long)out, 0);
}

long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused) {
    (void)unused;
    return call3(NR_getcpu, (long)cpu, (long)node, 0);
}

int clock_gettime(int, struct timespec *) __attribute__((weak, alias("__vdso_clock_gettime")));
int gettimeofday(struct timeval *, struct timezone *) __attribute__((weak, alias("__vdso_gettimeofday")));
s64 time(s64 *) __attribute__((weak, alias("__vdso_time")));
int clock_getres(int, struct timespec *) __attribute__((weak, alias("__vdso_clock_getres")));
long getcpu(unsigned *, unsigned *, void *) __attribute__((weak, alias("__vdso_getcpu")));
