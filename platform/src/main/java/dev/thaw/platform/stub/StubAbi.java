package dev.thaw.platform.stub;

/** What the Sentry and the stub agree on: {@code src/main/native/stub_abi.h}, where the layout is drawn. */
public final class StubAbi {
    // spotless:off
    public static final long STUB_BASE       = 0x7ff000000000L;
    public static final long CTX_BASE        = 0x7ff020000000L;
    public static final long CTX_SIZE        = 0x8000;
    public static final int  CTX_COUNT       = 4096;
    public static final long REGION_SIZE     = 0x10000000;
    public static final long REGION_RESULTS  = 0x10000;
    public static final long REGION_CTX      = 0x8000000;

    public static final long CTL_SEQ         = 0;
    public static final long CTL_FD          = 16;
    public static final long CTL_SELF        = 24;
    public static final long CTL_RING        = 64;
    public static final int  RING_COUNT      = 512;
    public static final int  RING_ENTRY      = 64;
    public static final long CMD_SEQ         = 56;
    public static final long CMD_MEMORY      = 60;
    public static final long CTL_DONE        = 4;

    public static final long RES_RING        = 64;

    public static final long CTX_STATE       = 0;
    public static final long CTX_STUB_WAIT   = 8;
    public static final long CTX_KIND        = 12;
    public static final long CTX_RAX         = 16;
    public static final long CTX_RIP         = 24;
    public static final long CTX_RCX         = 32;
    public static final long CTX_RSP         = 40;
    public static final long CTX_RDI         = 48;
    public static final long CTX_RSI         = 56;
    public static final long CTX_RDX         = 64;
    public static final long CTX_R10         = 72;
    public static final long CTX_R8          = 80;
    public static final long CTX_R9          = 88;
    public static final long CTX_R11         = 96;
    public static final long CTX_EFLAGS      = 104;
    public static final long CTX_FS_BASE     = 112;
    public static final long CTX_RBX         = 128;
    public static final long CTX_RBP         = 136;
    public static final long CTX_R12         = 144;
    public static final long CTX_R13         = 152;
    public static final long CTX_R14         = 160;
    public static final long CTX_R15         = 168;
    public static final long CTX_GS_BASE     = 176;
    public static final long CTX_FRAME       = 184;
    public static final long CTX_CLEAR_TID   = 192;
    public static final long CTX_TOGETHER    = 208;
    public static final long CTX_POPULATE    = 216;
    public static final long CTX_ALT_STACK   = 4096;

    public static final int  SPIN_MIN        = 3000;
    public static final int  SPIN_MAX        = 100000;
    public static final int  SHORT_WAIT      = 400000;

    public static final int  STATE_RUNNING   = 1;
    public static final int  STATE_STOPPED   = 2;
    public static final int  STATE_EXIT      = 3;

    public static final int  STATE_TRAP      = 5;
    public static final int  STATE_IDLE      = 6;

    public static final int  KIND_FRAME      = 0;
    public static final int  KIND_CALL       = 1;
    public static final int  KIND_INTERRUPT  = 2;

    /** The lowest address a guest may map. */
    public static final long MIN_ADDRESS     = 0x10000;
    // spotless:on

    private StubAbi() {}
}
