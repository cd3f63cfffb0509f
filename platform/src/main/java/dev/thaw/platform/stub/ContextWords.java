package dev.thaw.platform.stub;

/**
 * The head of a context (state, kind of stop, registers: see stub_abi.h) as the array of longs that {@link StubCalls#switchTo} fills: one copy, where reading each word of shared memory takes a
 * call of the interpreter into five others.
 */
public final class ContextWords {
    public static final int COUNT = (int) (StubAbi.CTX_FRAME / Long.BYTES);

    // spotless:off
    public static final int RAX     = (int) (StubAbi.CTX_RAX / Long.BYTES);
    public static final int RIP     = (int) (StubAbi.CTX_RIP / Long.BYTES);
    public static final int RCX     = (int) (StubAbi.CTX_RCX / Long.BYTES);
    public static final int RSP     = (int) (StubAbi.CTX_RSP / Long.BYTES);
    public static final int RDI     = (int) (StubAbi.CTX_RDI / Long.BYTES);
    public static final int RSI     = (int) (StubAbi.CTX_RSI / Long.BYTES);
    public static final int RDX     = (int) (StubAbi.CTX_RDX / Long.BYTES);
    public static final int R10     = (int) (StubAbi.CTX_R10 / Long.BYTES);
    public static final int R8      = (int) (StubAbi.CTX_R8 / Long.BYTES);
    public static final int R9      = (int) (StubAbi.CTX_R9 / Long.BYTES);
    public static final int R11     = (int) (StubAbi.CTX_R11 / Long.BYTES);
    public static final int EFLAGS  = (int) (StubAbi.CTX_EFLAGS / Long.BYTES);
    public static final int FS_BASE = (int) (StubAbi.CTX_FS_BASE / Long.BYTES);
    public static final int RBX     = (int) (StubAbi.CTX_RBX / Long.BYTES);
    public static final int RBP     = (int) (StubAbi.CTX_RBP / Long.BYTES);
    public static final int R12     = (int) (StubAbi.CTX_R12 / Long.BYTES);
    public static final int R13     = (int) (StubAbi.CTX_R13 / Long.BYTES);
    public static final int R14     = (int) (StubAbi.CTX_R14 / Long.BYTES);
    public static final int R15     = (int) (StubAbi.CTX_R15 / Long.BYTES);
    // spotless:on

    /** How the thread stopped: the upper half of its word. */
    public static int kind(long[] words) {
        return (int) (words[(int) (StubAbi.CTX_KIND / Long.BYTES)] >>> Integer.SIZE);
    }

    private ContextWords() {}
}
