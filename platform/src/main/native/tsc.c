/* What the vDSO's parameters are made from: the time stamp counter beside the host's clocks. Part of libthaw.so. */
#include <cpuid.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "thaw.h"

static int64_t now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* out: counter, CLOCK_MONOTONIC, CLOCK_REALTIME at one moment, as near as a few tries get. */
void thaw_tsc_sample(int64_t *out) {
    uint64_t best = ~0ull;
    for (int i = 0; i < 6; i++) {
        _mm_lfence();
        uint64_t before = __rdtsc();
        int64_t monotonic = now(CLOCK_MONOTONIC);
        _mm_lfence();
        uint64_t middle = __rdtsc();
        int64_t realtime = now(CLOCK_REALTIME);
        _mm_lfence();
        uint64_t after = __rdtsc();
        if (after - before < best) {
            best = after - before;
            out[0] = (int64_t)(before + (middle - before) / 2);
            out[1] = monotonic;
            out[2] = realtime;
        }
    }
}

/* Whether the counter runs evenly and alike on all processors: the host's own clock stands on it. */
int thaw_tsc_usable(void) {
    unsigned a, b, c, d;
    char name[16] = "";
    int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (read(fd, name, sizeof name - 1) < 0)
            name[0] = 0;
        close(fd);
    }
    return strncmp(name, "tsc", 3) == 0 && __get_cpuid(0x80000007, &a, &b, &c, &d) && (d >> 8 & 1);
}
