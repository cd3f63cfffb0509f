/*
 * What the Sentry (Java: dev.thaw.platform.stub.StubAbi) and the stub agree on. Numbers here and there must match; StubAbi names this file.
 *
 * The stub's part of an address space, above everything a guest can map:
 *
 *   STUB_BASE   text, read and execute only
 *   CTL_BASE    control, written by the Sentry, mapped read-only: commands for the manager thread
 *   RES_BASE    results of those commands
 *   CTX_BASE    one context per guest thread, CTX_SIZE bytes each, CTX_SIZE aligned
 *
 * Everything but the text is one region of the context memfd, of which each stub process maps its own region only:
 *
 *   0 ............ CTL_SIZE ........ +RES_SIZE ............. REGION_CTX ................... REGION_SIZE
 *   | control (RO) | results (RW)   |  unused               | contexts (RW)               |
 */
#define STUB_BASE 0x7ff000000000
#define STUB_TEXT 0x10000
#define CTL_BASE 0x7ff010000000
#define CTL_SIZE 0x10000
#define RES_BASE 0x7ff011000000
#define RES_SIZE 0x10000
#define CTX_BASE 0x7ff020000000
#define CTX_SIZE 0x8000
#define CTX_COUNT 4096
#define REGION_SIZE 0x10000000
#define REGION_CTX 0x8000000

/* Control area. */
#define CTL_SEQ 0    /* u32: commands issued so far; the manager's futex word */
#define CTL_DONE 4   /* u32: commands done; the manager writes it with pwrite, which nothing else in the process can */
#define CTL_WAITER 8 /* u32: a Sentry thread sleeps on CTL_DONE */
#define CTL_SPIN 12  /* u32: how often the manager looks before it sleeps */
#define CTL_FD 16    /* u64: descriptor of the context memfd */
#define CTL_SELF 24  /* u64: offset of CTL_DONE in it */
#define CTL_RING 64  /* RING_COUNT commands of 64 bytes: nr, six arguments, then: */
#define CMD_SEQ 56   /* u32: what CTL_DONE is after this command */
#define CMD_MEMORY 60 /* u32: 1 when the first two arguments are a range that must not stay mapped if the call fails */
#define RING_COUNT 512

/* Results area. Writable for the guest, so it serves only what harms nobody else. */
#define RES_RING 64 /* one u64 result per ring entry */

/*
 * A guest thread's context. A stop at a patched call site costs as many transfers between two processors as it changes cache lines, so what every
 * call changes shares the line of the state, and the stub writes the other two only where a register has changed since the last stop.
 */
#define CTX_STATE 0       /* u32: see below; futex word of both sides */
#define CTX_SENTRY_WAIT 4 /* u32: the Sentry sleeps on the state */
#define CTX_STUB_WAIT 8   /* u32: the stub sleeps on the state */
#define CTX_KIND 12       /* u32: how the thread stopped, KIND_* */
#define CTX_RAX 16        /* registers of a stop without a signal frame */
#define CTX_RIP 24
#define CTX_RCX 32
#define CTX_RSP 40
#define CTX_RDI 48
#define CTX_RSI 56

#define CTX_RDX 64
#define CTX_R10 72
#define CTX_R8 80
#define CTX_R9 88
#define CTX_R11 96
#define CTX_EFLAGS 104
#define CTX_FS_BASE 112   /* of every stop */
#define CTX_PENDING 120   /* u32: an interrupt arrived in the stub; it counts before the guest runs on */

#define CTX_RBX 128
#define CTX_RBP 136
#define CTX_R12 144
#define CTX_R13 152
#define CTX_R14 160
#define CTX_R15 168
#define CTX_GS_BASE 176
#define CTX_FRAME 184     /* u64: address of the ucontext of the last stop with a frame */

#define CTX_CLEAR_TID 192 /* u32: zeroed by the host kernel when the thread is gone */
#define CTX_SPIN 196      /* u32: ticks that the stub looks before it sleeps; its own */
#define CTX_STUB_CPU 200  /* u32: 1 + the processor on which the stub began its last wait; 0: not known */
#define CTX_SENTRY_CPU 204 /* u32: the same of the Sentry */
#define CTX_TOGETHER 208  /* u32: waits in a row that the Sentry began on the stub's processor; its own, as the next */
#define CTX_PATIENCE 212  /* u32: after how many of them it moves */
#define CTX_POPULATE 216  /* u64 address, u64 length: what the thread is to populate for writing before it goes on from a stop with a frame */
#define CTX_ALT_STACK 4096 /* also the end of the stack of a stop without a frame */

#define STATE_RUNNING 1 /* the guest, or the stub on its way to or from it */
#define STATE_STOPPED 2 /* the context is the Sentry's */
#define STATE_EXIT 3    /* order to end the thread */
#define STATE_HELP 4    /* order to wake the manager and give it the processor */
#define STATE_TRAP 5    /* order, after a stop without a frame: stop once more, with one */
#define STATE_IDLE 6    /* hint: the answer will take its time, do not look for it */

#define KIND_FRAME 0     /* by a signal: the signal frame at CTX_FRAME */
#define KIND_CALL 1      /* by a patched call site: registers in the context */
#define KIND_INTERRUPT 2 /* interrupted on the way back from such a call: likewise */

/*
 * Patched call sites jump to STUB_BASE with the address to return to in rcx. This address is part of a checkpoint: guest memory holds it.
 */

/*
 * Both sides wait alike: they look at the state for a while, then sleep. How long they look depends on the last wait: after one shorter than
 * SHORT_WAIT (which two sleeps and wakes are) it is SPIN_MAX, after a longer one half of what it was. So a side that waits in vain (the other
 * computes, blocks, or has no processor because we hold it) soon stops to look, and begins again when the two would be quick together.
 * Two that share a processor do not look at all: each would keep the other from what it looks for, 60 us a call until the host's balancer parts
 * them, against 6 us of going to sleep at once. After PATIENCE_MIN such waits in a row the Sentry's thread goes to another processor by itself,
 * and has twice the patience next time: with more to run than processors there is no better place. A task that blocks begins to count anew: two
 * tasks that wake each other do so in 12 us on one processor and in 26 across two.
 */
#define PATIENCE_MIN 8
#define PATIENCE_MAX 65536
#define SPIN_PURE 16      /* looks between two readings of the clock */
#define SPIN_MIN 3000     /* ticks of the time stamp counter, 2 to 3 for each ns */
#define SPIN_MAX 100000
#define SHORT_WAIT 400000
