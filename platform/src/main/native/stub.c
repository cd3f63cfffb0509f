/*
 * The stub: the only native code beside the guest's own in a guest address space. Freestanding, no TLS, no relocation, no writable data after start.
 *
 * A fork server (server_main) is started once per sandbox. It never runs guest code; on request it forks a child, which becomes the stub process
 * of one guest address space. The child's first thread is the manager (manager_loop in entry.S); guest threads are cloned by it at the Sentry's command.
 */
#include <asm/sigcontext.h>
#include <asm/siginfo.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

#include "stub_abi.h"

#pragma GCC visibility push(hidden)

enum {
    NR_mmap = 9, NR_mprotect = 10, NR_munmap = 11, NR_rt_sigaction = 13, NR_rt_sigprocmask = 14, NR_rt_sigreturn = 15,
    NR_sendto = 44, NR_recvfrom = 45, NR_clone = 56, NR_fork = 57, NR_exit = 60, NR_close = 3, NR_setuid = 105, NR_setgid = 106,
    NR_getppid = 110, NR_setgroups = 116, NR_sigaltstack = 131, NR_prctl = 157, NR_setrlimit = 160, NR_futex = 202,
    NR_exit_group = 231, NR_tgkill = 234, NR_seccomp = 317, NR_getpid = 39, NR_setsid = 112, NR_sched_yield = 24, NR_pwrite64 = 18, NR_madvise = 28,
};

enum { PROT_R = 1, PROT_RW = 3, MAP_SHARED_FIXED = 0x11, MADV_POPULATE_WRITE = 23 /* Linux 5.14 */ };
enum { SIG_ILL = 4, SIG_TRAP = 5, SIG_BUS = 7, SIG_FPE = 8, SIG_USR1 = 10, SIG_SEGV = 11, SIG_PIPE = 13, SIG_CHLD = 17, SIG_SYS = 31 };

struct kernel_sigaction {
    void *handler;
    unsigned long flags;
    void (*restorer)(void);
    unsigned long mask;
};

struct kernel_stack {
    void *sp;
    int flags;
    size_t size;
};

void manager_loop(void) __attribute__((noreturn));
void restorer(void);

char server_stack[8192] __attribute__((aligned(4096)));
__asm__(".globl server_stack_top\n.set server_stack_top, server_stack + 8192");

static inline long call6(long nr, long a, long b, long c, long d, long e, long f) {
    long ret;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return ret;
}

#define call0(nr) call6(nr, 0, 0, 0, 0, 0, 0)
#define call1(nr, a) call6(nr, (long)(a), 0, 0, 0, 0, 0)
#define call2(nr, a, b) call6(nr, (long)(a), (long)(b), 0, 0, 0, 0)
#define call3(nr, a, b, c) call6(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define call4(nr, a, b, c, d) call6(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define call5(nr, a, b, c, d, e) call6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)

static inline volatile uint32_t *word(char *ctx, int offset) { return (volatile uint32_t *)(ctx + offset); }
static inline volatile uint64_t *quad(char *ctx, int offset) { return (volatile uint64_t *)(ctx + offset); }

/* ---- seccomp ---- */

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_HIGH(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field) + 4)
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define TRAP BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP)
#define IS(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, 1)
#define UNLESS(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 1, 0)

/* Only the native ABI, only from the stub's text. */
#define FROM_STUB                                                                                                    \
    LOAD(arch), UNLESS(AUDIT_ARCH_X86_64), TRAP, LOAD_HIGH(instruction_pointer), UNLESS((uint32_t)(STUB_BASE >> 32)), TRAP, \
        LOAD(instruction_pointer), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, STUB_TEXT, 0, 1), TRAP, LOAD(nr)

static long install(struct sock_filter *filter, int count) {
    struct sock_fprog program = {count, filter};
    return call3(NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program);
}

/* The whole process: what the manager needs, and what a guest thread needs to start. */
static long confine_process(void) {
    struct sock_filter filter[] = {
        FROM_STUB,
        IS(NR_futex), ALLOW, IS(NR_rt_sigreturn), ALLOW, IS(NR_sched_yield), ALLOW, IS(NR_mmap), ALLOW, IS(NR_pwrite64), ALLOW, IS(NR_munmap), ALLOW, IS(NR_mprotect), ALLOW, IS(NR_madvise), ALLOW,
        IS(NR_clone), ALLOW, IS(NR_exit), ALLOW, IS(NR_exit_group), ALLOW, IS(NR_tgkill), ALLOW,
        IS(NR_sigaltstack), ALLOW, IS(NR_rt_sigprocmask), ALLOW, IS(NR_prctl), ALLOW, IS(NR_seccomp), ALLOW,
        TRAP,
    };
    return install(filter, sizeof filter / sizeof *filter);
}

/* A guest thread: yield, wait and wake on its context, populate, return from a signal, end itself. Nothing that the guest gains by jumping there. */
static long confine_thread(void) {
    struct sock_filter filter[] = {
        LOAD(nr),
        IS(NR_rt_sigreturn), ALLOW, IS(NR_sched_yield), ALLOW, IS(NR_exit), ALLOW,
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NR_madvise, 0, 4), LOAD(args[2]), IS(MADV_POPULATE_WRITE), ALLOW, TRAP, /* as touching the pages would */
        UNLESS(NR_futex), TRAP,
        LOAD_HIGH(args[0]), UNLESS((uint32_t)(CTX_BASE >> 32)), TRAP,
        LOAD(args[1]), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 1, 0, 1), TRAP, /* FUTEX_WAIT, FUTEX_WAKE */
        ALLOW,
    };
    return install(filter, sizeof filter / sizeof *filter);
}

/* ---- guest threads ---- */

static inline void check(long result) {
    if (result < 0) __builtin_trap();
}

void thread_setup(char *ctx) {
    struct kernel_stack stack = {ctx + CTX_ALT_STACK, 0, CTX_SIZE - CTX_ALT_STACK};
    uint64_t none = 0;
    check(call2(NR_sigaltstack, &stack, 0));
    check(call4(NR_rt_sigprocmask, 2 /* SIG_SETMASK */, &none, 0, 8));
    check(call5(NR_prctl, 59 /* PR_SET_SYSCALL_USER_DISPATCH */, 1, STUB_BASE, STUB_TEXT, 0));
    __asm__ volatile("wrgsbase %0" : : "r"(ctx));
    check(confine_thread());
}

/* The commands wait: lets the manager run, on this processor if need be. */
static void help(char *ctx) {
    uint32_t expected = STATE_HELP;
    __atomic_compare_exchange_n((uint32_t *)(ctx + CTX_STATE), &expected, STATE_STOPPED, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    call3(NR_futex, CTL_BASE + CTL_SEQ, 1 /* FUTEX_WAKE */, 1);
    call0(NR_sched_yield);
}

/* Waits until the Sentry says what next. */
static uint32_t await_answer(char *ctx) {
    uint32_t state, aux, cpu, together;
    uint64_t start = __builtin_ia32_rdtscp(&aux), budget = *word(ctx, CTX_SPIN), waited;
    cpu = (aux & 0xfff) + 1;
    if (*word(ctx, CTX_STUB_CPU) != cpu) *word(ctx, CTX_STUB_CPU) = cpu; /* its line is shared: no needless write */
    together = *word(ctx, CTX_SENTRY_CPU) == cpu;
    for (;;) {
        for (uint32_t spin = 0; spin < SPIN_PURE; spin++) {
            state = *word(ctx, CTX_STATE);
            if (state == STATE_HELP) {
                help(ctx);
            } else if (state == STATE_IDLE) {
                uint32_t expected = STATE_IDLE;
                __atomic_compare_exchange_n((uint32_t *)(ctx + CTX_STATE), &expected, STATE_STOPPED, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
                goto sleep;
            } else if (state != STATE_STOPPED) {
                goto answered;
            }
            __builtin_ia32_pause();
        }
        if (!together && __builtin_ia32_rdtsc() - start < budget) continue;
    sleep:
        __atomic_exchange_n((uint32_t *)(ctx + CTX_STUB_WAIT), 1, __ATOMIC_SEQ_CST);
        if (*word(ctx, CTX_STATE) == STATE_STOPPED) call4(NR_futex, ctx + CTX_STATE, 0 /* FUTEX_WAIT */, STATE_STOPPED, 0);
        *word(ctx, CTX_STUB_WAIT) = 0;
    }
answered:
    waited = __builtin_ia32_rdtsc() - start;
    budget = waited < SHORT_WAIT ? SPIN_MAX : budget / 2 > SPIN_MIN ? budget / 2 : SPIN_MIN;
    if (*word(ctx, CTX_SPIN) != budget) *word(ctx, CTX_SPIN) = budget;
    return state;
}

static uint32_t stop(char *ctx) {
    __atomic_exchange_n((uint32_t *)(ctx + CTX_STATE), STATE_STOPPED, __ATOMIC_SEQ_CST);
    if (*word(ctx, CTX_SENTRY_WAIT)) call3(NR_futex, ctx + CTX_STATE, 1 /* FUTEX_WAKE */, 1);
    uint32_t state = await_answer(ctx);
    if (state == STATE_EXIT) call1(NR_exit, 0);
    return state;
}

/* A stop at a patched call site, called by entry_call. */
void patched_stop(char *ctx) {
    if (stop(ctx) == STATE_TRAP) __asm__ volatile("int3"); /* never returns: the Sentry sets all registers in the frame */
}

/* Where the context holds the registers, in the order of a frame's. */
static const uint16_t frame_order[18] = {
    CTX_R8, CTX_R9, CTX_R10, CTX_R11, CTX_R12, CTX_R13, CTX_R14, CTX_R15, CTX_RDI,
    CTX_RSI, CTX_RBP, CTX_RBX, CTX_RDX, CTX_RAX, CTX_RCX, CTX_RSP, CTX_RIP, CTX_EFLAGS,
};

extern char leave_start[], leave_end[];

/* Every reason to stop but a patched call arrives here; the Sentry finds registers and signal in the frame, which lies in the context. */
static void on_signal(int signal, void *info, char *ucontext) {
    char *ctx = (char *)((uint64_t)ucontext & ~(uint64_t)(CTX_SIZE - 1));
    uint64_t *regs = (uint64_t *)(ucontext + 40), rip = regs[16], fs, gs;
    (void)info;
    if (rip - STUB_BASE < STUB_TEXT) {
        if (rip - (uint64_t)leave_start < (uint64_t)(leave_end - leave_start)) {
            for (int i = 0; i < 18; i++) regs[i] = *quad(ctx, frame_order[i]);
        } else if (signal == SIG_USR1) {
            *word(ctx, CTX_PENDING) = 1;
            return;
        }
    }
    __asm__ volatile("rdfsbase %0\n rdgsbase %1" : "=r"(fs), "=r"(gs));
    *quad(ctx, CTX_FS_BASE) = fs;
    *quad(ctx, CTX_GS_BASE) = gs;
    *quad(ctx, CTX_FRAME) = (uint64_t)ucontext;
    *word(ctx, CTX_KIND) = KIND_FRAME;
    stop(ctx);
    uint64_t length = *quad(ctx, CTX_POPULATE + 8);
    if (length != 0) {
        *quad(ctx, CTX_POPULATE + 8) = 0;
        call3(NR_madvise, *quad(ctx, CTX_POPULATE), length, MADV_POPULATE_WRITE); /* if it fails, the pages fault in */
    }
    uint64_t want = *quad(ctx, CTX_FS_BASE);
    if (want != fs) __asm__ volatile("wrfsbase %0" : : "r"(want));
    want = *quad(ctx, CTX_GS_BASE);
    if (want != gs) __asm__ volatile("wrgsbase %0" : : "r"(want));
}

/* ---- the fork server ---- */

/* The descriptors keep the numbers that they have in the Sentry. */
struct server {
    long memory, contexts, socket;
};

static void become_stub(const struct server *server, uint32_t slot, long parent) __attribute__((noreturn));
static void become_stub(const struct server *server, uint32_t slot, long parent) {
    long region = (long)slot * REGION_SIZE;
    check(call2(NR_prctl, 1 /* PR_SET_PDEATHSIG */, 9));
    if (call0(NR_getppid) != parent) call1(NR_exit_group, 1);
    check(call6(NR_mmap, CTL_BASE, CTL_SIZE, PROT_R, MAP_SHARED_FIXED, server->contexts, region));
    check(call6(NR_mmap, RES_BASE, RES_SIZE, PROT_RW, MAP_SHARED_FIXED, server->contexts, region + CTL_SIZE));
    check(call6(NR_mmap, CTX_BASE, (long)CTX_SIZE * CTX_COUNT, PROT_RW, MAP_SHARED_FIXED, server->contexts, region + REGION_CTX));
    call1(NR_close, server->socket);
    check(confine_process());
    manager_loop();
}

static long number(const char *text) {
    long value = 0;
    while (*text >= '0' && *text <= '9') value = value * 10 + (*text++ - '0');
    return value;
}

static void set_handler(int signal, void *handler, unsigned long flags) {
    struct kernel_sigaction action = {handler, flags | 0x04000000 /* SA_RESTORER */, restorer, ~0ul};
    check(call4(NR_rt_sigaction, signal, &action, 0, 8));
}

static void keep_only(const struct server *server) {
    for (long fd = 0, kept = 0; fd < 65536 && kept < 3; fd++) {
        if (fd == server->memory || fd == server->contexts || fd == server->socket) {
            kept++;
        } else {
            call1(NR_close, fd);
        }
    }
}

/* argv: stub UID DUMPABLE MEMORY_FD CONTEXTS_FD SOCKET_FD. UID 0 keeps the user. */
void server_main(long *stack) {
    char **argv = (char **)(stack + 1);
    if (stack[0] != 6) call1(NR_exit_group, 2);
    long uid = number(argv[1]), dumpable = number(argv[2]);
    struct server server = {number(argv[3]), number(argv[4]), number(argv[5])};
    unsigned long none[2] = {0, 0}, all = ~0ul;

    check(call4(NR_rt_sigprocmask, 2 /* SIG_SETMASK */, &all, 0, 8));
    /* Nothing of the host stays: no stack with the environment, no vDSO. */
    extern char image_end[];
    uint64_t end = ((uint64_t)image_end + 4095) & ~4095ul;
    check(call2(NR_munmap, 0x10000, STUB_BASE - 0x10000));
    check(call2(NR_munmap, end, 0x7ffffffff000 - end));
    keep_only(&server);
    call0(NR_setsid);
    check(call2(NR_setrlimit, 4 /* RLIMIT_CORE */, none));
    if (uid) {
        check(call2(NR_setgroups, 0, 0));
        check(call1(NR_setgid, uid));
        check(call1(NR_setuid, uid));
    }
    check(call5(NR_prctl, 38 /* PR_SET_NO_NEW_PRIVS */, 1, 0, 0, 0));
    check(call2(NR_prctl, 4 /* PR_SET_DUMPABLE */, dumpable));
    set_handler(SIG_CHLD, (void *)1 /* SIG_IGN */, 0);
    static const char stops[] = {SIG_ILL, SIG_TRAP, SIG_BUS, SIG_FPE, SIG_USR1, SIG_SEGV, SIG_SYS};
    for (unsigned i = 0; i < sizeof stops; i++) set_handler(stops[i], (void *)on_signal, 0x08000004 /* SA_SIGINFO | SA_ONSTACK */);

    long self = call0(NR_getpid);
    uint32_t slot;
    int32_t reply = 0;
    call6(NR_sendto, server.socket, (long)&reply, 4, 0x4000 /* MSG_NOSIGNAL */, 0, 0);
    while (call6(NR_recvfrom, server.socket, (long)&slot, 4, 0, 0, 0) == 4) {
        long pid = call0(NR_fork);
        if (pid == 0) become_stub(&server, slot, self);
        reply = pid;
        if (call6(NR_sendto, server.socket, (long)&reply, 4, 0x4000, 0, 0) != 4) break;
    }
    call1(NR_exit_group, 0); /* The Sentry is gone; the stubs follow by their parent-death signal. */
}
