/* libthaw.so: the Sentry's side of a switch to a guest thread, where a Java loop would be slower. Returns values, never errno. */
#include <stdint.h>
#include <time.h>

#include "stub_abi.h"

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

/* Waits until *word != value: looks, yields at most `yields` times, then sleeps with *waiting set. Returns the new value, or value itself when nanos have passed. */
static uint32_t await_change(volatile uint32_t *word, uint32_t value, volatile uint32_t *waiting, long yields, long nanos) {
    uint32_t now;
    for (;;) {
        for (int spin = 0; spin < SPIN_PURE; spin++) {
            now = *word;
            if (now != value) return now;
            __builtin_ia32_pause();
        }
        uint64_t before = __builtin_ia32_rdtsc();
        if (yields-- <= 0) break;
        yield();
        if (__builtin_ia32_rdtsc() - before > YIELD_TICKS) break;
    }
    struct timespec timeout = {nanos / 1000000000, nanos % 1000000000};
    __atomic_exchange_n(waiting, 1, __ATOMIC_SEQ_CST);
    now = *word;
    if (now == value) {
        futex(word, 0, value, &timeout);
        now = *word;
    }
    *waiting = 0;
    return now;
}

/* Gives the stopped guest thread of ctx an order and waits for its next stop. Returns its state (the order itself: timed out, call thaw_wait). */
int thaw_switch(char *ctx, int order, long yields, long nanos) {
    volatile uint32_t *state = (volatile uint32_t *)(ctx + CTX_STATE);
    __atomic_exchange_n(state, order, __ATOMIC_SEQ_CST);
    if (*(volatile uint32_t *)(ctx + CTX_STUB_WAIT)) futex(state, 1, 1, 0);
    return await_change(state, order, (volatile uint32_t *)(ctx + CTX_SENTRY_WAIT), yields, nanos);
}

/* Waits on for the next stop. */
int thaw_wait(char *ctx, int order, long yields, long nanos) {
    return await_change((volatile uint32_t *)(ctx + CTX_STATE), order, (volatile uint32_t *)(ctx + CTX_SENTRY_WAIT), yields, nanos);
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
    for (;;) {
        uint32_t now = *done;
        if ((int32_t)(now - seq) >= 0) return 0;
        if (asked) {
            for (int spin = 0; spin < 20 * SPIN_PURE && *done == now; spin++) __builtin_ia32_pause();
            if (*done != now) continue;
            asked = 0; /* it is not what it was asked to be, or the processor is not its own */
            futex(control + CTL_SEQ, 1, 1, 0);
        }
        if (await_change(done, now, (volatile uint32_t *)(control + CTL_WAITER), yields, nanos) == now) return -1;
    }
}
