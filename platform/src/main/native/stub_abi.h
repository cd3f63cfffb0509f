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

/* A guest thread's context. */
#define CTX_STATE 0       /* u32: see below; futex word of both sides */
#define CTX_SENTRY_WAIT 4 /* u32: the Sentry sleeps on the state */
#define CTX_STUB_WAIT 8   /* u32: the stub sleeps on the state */
/* The words above are written when a side hands over; the rest lies on other cache lines, so that who looks at the state is not disturbed before. */
#define CTX_SPIN 64       /* u32: how often the stub yields before it sleeps */
#define CTX_KIND 68       /* u32: how the thread stopped, KIND_* */
#define CTX_PENDING 72    /* u32: an interrupt arrived in the stub; it counts before the guest runs on */
#define CTX_CLEAR_TID 76  /* u32: zeroed by the host kernel when the thread is gone */
#define CTX_FS_BASE 80
#define CTX_GS_BASE 88
#define CTX_FRAME 96      /* u64: address of the ucontext of the last stop */
#define CTX_REGS 128          /* registers of a stop without a signal frame, in the order of a ucontext's */
#define CTX_R8 (CTX_REGS + 0)
#define CTX_R9 (CTX_REGS + 8)
#define CTX_R10 (CTX_REGS + 16)
#define CTX_R11 (CTX_REGS + 24)
#define CTX_R12 (CTX_REGS + 32)
#define CTX_R13 (CTX_REGS + 40)
#define CTX_R14 (CTX_REGS + 48)
#define CTX_R15 (CTX_REGS + 56)
#define CTX_RDI (CTX_REGS + 64)
#define CTX_RSI (CTX_REGS + 72)
#define CTX_RBP (CTX_REGS + 80)
#define CTX_RBX (CTX_REGS + 88)
#define CTX_RDX (CTX_REGS + 96)
#define CTX_RAX (CTX_REGS + 104)
#define CTX_RCX (CTX_REGS + 112)
#define CTX_RSP (CTX_REGS + 120)
#define CTX_RIP (CTX_REGS + 128)
#define CTX_EFLAGS (CTX_REGS + 136)
#define CTX_REGS_COUNT 18
#define CTX_ALT_STACK 4096 /* also the end of the stack of a stop without a frame */

#define STATE_RUNNING 1 /* the guest, or the stub on its way to or from it */
#define STATE_STOPPED 2 /* the context is the Sentry's */
#define STATE_EXIT 3    /* order to end the thread */
#define STATE_HELP 4    /* order to wake the manager and give it the processor */
#define STATE_TRAP 5    /* order, after a stop without a frame: stop once more, with one */

#define KIND_FRAME 0     /* by a signal: CTX_FRAME */
#define KIND_CALL 1      /* by a patched call site: CTX_REGS */
#define KIND_INTERRUPT 2 /* interrupted on the way back from such a call: CTX_REGS */

/*
 * Patched call sites jump to STUB_BASE with the address to return to in rcx. This address is part of a checkpoint: guest memory holds it.
 */

/* Both sides wait alike: look SPIN_PURE times, yield the processor, and so on a few times; a yield of more than YIELD_TICKS says that others want it. */
#define SPIN_PURE 40
#define YIELD_TICKS 10000
