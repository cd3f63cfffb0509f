/* libthaw.so: the Sentry's side of a switch to a guest thread, where a Java loop would be slower. Returns values, never errno. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <time.h>

#include "stub_abi.h"
#include "thaw.h"

static long futex(volatile void *address, int op, uint32_t value, const struct timespec *timeout) {
    long ret;
    register const struct timespec *r10 __asm__("r10") = timeout;
    __asm__ volatile("syscall" : "=a"(ret) : "a"(202L), "D"(address), "S"((long)op), "d"((long)value), "r"(r10) : "rcx", "r11", "memory");
    return ret;
}

static void yield(void) {
    long ret;
    __asm__ volatile("syscall" : "=a"(ret) : "a"(24L) : "rcx", "r11", "memory");
}

/* Sleeps until *word != value or nanos have passed. */
static void sleep_on(volatile uint32_t *word, uint32_t value, volatile uint32_t *waiting, long nanos) {
    struct timespec timeout = {nanos / 1000000000, nanos % 1000000000};
    __atomic_exchange_n(waiting, 1, __ATOMIC_SEQ_CST);
    if (*word == value) futex(word, 0, value, &timeout);
    *waiting = 0;
}

/* Leaves the processor that the stub is on, if there is another for this thread. */
static void move_away(uint32_t cpu) {
    cpu_set_t all, others;
    if (sched_getaffinity(0, sizeof all, &all) != 0) return;
    others = all;
    CPU_CLR(cpu, &others);
    if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof others, &others) != 0) return;
    sched_setaffinity(0, sizeof all, &all);
}

/* Whether the stub began its last wait on this processor; tells it where we are. */
static int is_together(char *ctx, uint32_t cpu) {
    uint32_t *mine = (uint32_t *)(ctx + CTX_SENTRY_CPU), *together = (uint32_t *)(ctx + CTX_TOGETHER), *patience = (uint32_t *)(ctx + CTX_PATIENCE);
    if (*mine != cpu + 1) *mine = cpu + 1; /* its line is shared: no needless write */
    if (*(volatile uint32_t *)(ctx + CTX_STUB_CPU) != cpu + 1) {
        if (*together != 0) *together = 0;
        return 0;
    }
    if (++*together > (*patience < PATIENCE_MIN ? PATIENCE_MIN : *patience)) {
        *together = 0;
        *patience = *patience < PATIENCE_MIN ? 2 * PATIENCE_MIN : *patience < PATIENCE_MAX ? 2 * *patience : PATIENCE_MAX;
        move_away(cpu);
        return 0;
    }
    return 1;
}

/* Waits for a state other than `order`: looks for `budget` ticks, then sleeps. Returns the state (`order` itself when nanos have passed) and, from bit 8, the ticks it took. */
static long await_state(char *ctx, uint32_t order, uint64_t budget, long nanos) {
    volatile uint32_t *state = (volatile uint32_t *)(ctx + CTX_STATE);
    uint32_t now, aux;
    uint64_t start = __builtin_ia32_rdtscp(&aux);
    if (is_together(ctx, aux & 0xfff)) budget = 0;
    do {
        for (int spin = 0; spin < SPIN_PURE; spin++) {
            now = *state;
            if (now != order) goto changed;
            __builtin_ia32_pause();
        }
    } while (__builtin_ia32_rdtsc() - start < budget);
    sleep_on(state, order, (volatile uint32_t *)(ctx + CTX_SENTRY_WAIT), nanos);
    now = *state;
changed:
    return (long)((__builtin_ia32_rdtsc() - start) << 8 | (now & 255));
}

/* Gives the stopped guest thread of ctx an order and waits for its next stop, as await_state. */
long thaw_switch(char *ctx, int order, long budget, long nanos) {
    volatile uint32_t *state = (volatile uint32_t *)(ctx + CTX_STATE);
    __atomic_exchange_n(state, order, __ATOMIC_SEQ_CST);
    if (*(volatile uint32_t *)(ctx + CTX_STUB_WAIT)) futex(state, 1, 1, 0);
    return await_state(ctx, order, budget, nanos);
}

/* Waits on for the next stop. */
long thaw_wait(char *ctx, int order, long budget, long nanos) {
    return await_state(ctx, order, budget, nanos);
}

/*
 * Has the manager of a region do its commands up to seq. A stopped guest thread that still spins (ctx, or 0) is asked to make room for it.
 * Returns 0, or -1 when nothing was done for nanos.
 */
int thaw_manager(char *control, char *ctx, uint32_t seq, long yields, long nanos) {
    volatile uint32_t *done = (volatile uint32_t *)(control + CTL_DONE);
    int asked = 0;
    if (ctx && !*(volatile uint32_t *)(ctx + CTX_STUB_WAIT)) {
        uint32_t expected = STATE_STOPPED;
        asked = __atomic_compare_exchange_n((uint32_t *)(ctx + CTX_STATE), &expected, STATE_HELP, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
        if (asked && *(volatile uint32_t *)(ctx + CTX_STUB_WAIT)) futex(ctx + CTX_STATE, 1, 1, 0);
    }
    if (!asked) futex(control + CTL_SEQ, 1, 1, 0);
    for (long round = 0;; round++) {
        uint32_t now = *done;
        if ((int32_t)(now - seq) >= 0) return 0;
        for (int spin = 0; spin < 40 && *done == now; spin++) __builtin_ia32_pause();
        if (*done != now) continue;
        if (asked && round == 8) futex(control + CTL_SEQ, 1, 1, 0); /* the thread is not what it was asked to be, or has no processor */
        if (round < yields) {
            yield();
            continue;
        }
        sleep_on(done, now, (volatile uint32_t *)(control + CTL_WAITER), nanos);
        if (*done == now) return -1;
    }
}
