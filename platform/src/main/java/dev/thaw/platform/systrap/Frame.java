package dev.thaw.platform.systrap;

import dev.thaw.platform.stub.FpArea;

/** Where in a context this host's kernel lays a signal frame ({@code struct rt_sigframe}): offset of the ucontext, of the floating-point state, and the latter's layout. */
record Frame(long ucontext, long fp, FpArea layout) {
    // spotless:off
    static final long R8       = 40;
    static final long R9       = 48;
    static final long R10      = 56;
    static final long R11      = 64;
    static final long R12      = 72;
    static final long R13      = 80;
    static final long R14      = 88;
    static final long R15      = 96;
    static final long RDI      = 104;
    static final long RSI      = 112;
    static final long RBP      = 120;
    static final long RBX      = 128;
    static final long RDX      = 136;
    static final long RAX      = 144;
    static final long RCX      = 152;
    static final long RSP      = 160;
    static final long RIP      = 168;
    static final long EFLAGS   = 176;
    static final long ERROR    = 192;
    static final long TRAP     = 200;
    static final long CR2      = 216;
    static final long FP_STATE = 224;
    static final long INFO     = 304;
    static final long SIZE     = 304 + 128;

    static final long INFO_SIGNAL = INFO;
    static final long INFO_CODE   = INFO + 8;
    static final long INFO_ADDR   = INFO + 16;
    static final long INFO_NR     = INFO + 24;
    static final long INFO_ARCH   = INFO + 28;
    // spotless:on
}
