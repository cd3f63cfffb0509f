package dev.thaw.abi;

/** Resource limits and rusage ({@code asm-generic/resource.h}). */
public final class Resource {
    // spotless:off
    public static final int PRIO_PROCESS      = 0x0;
    public static final int RLIMIT_CPU        = 0x0;
    public static final int RUSAGE_SELF       = 0x0;
    public static final int PRIO_PGRP         = 0x1;
    public static final int RLIMIT_FSIZE      = 0x1;
    public static final int RUSAGE_LWP        = 0x1;
    public static final int RUSAGE_THREAD     = 0x1;
    public static final int PRIO_USER         = 0x2;
    public static final int RLIMIT_DATA       = 0x2;
    public static final int RLIMIT_STACK      = 0x3;
    public static final int RLIMIT_CORE       = 0x4;
    public static final int RLIMIT_RSS        = 0x5;
    public static final int RLIMIT_NPROC      = 0x6;
    public static final int RLIMIT_NOFILE     = 0x7;
    public static final int RLIMIT_OFILE      = 0x7;
    public static final int RLIMIT_MEMLOCK    = 0x8;
    public static final int RLIMIT_AS         = 0x9;
    public static final int RLIMIT_LOCKS      = 0xa;
    public static final int RLIMIT_SIGPENDING = 0xb;
    public static final int RLIMIT_MSGQUEUE   = 0xc;
    public static final int RLIMIT_NICE       = 0xd;
    public static final int RLIMIT_RTPRIO     = 0xe;
    public static final int RLIMIT_RTTIME     = 0xf;
    public static final int RLIMIT_NLIMITS    = 0x10;
    public static final int PRIO_MAX          = 0x14;
    public static final int PRIO_MIN          = -20;
    public static final int RUSAGE_CHILDREN   = -1;
    // spotless:on

    private Resource() {}
}
