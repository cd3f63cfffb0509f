package dev.thaw.platform;

/** The general registers of a guest thread, in the order of {@code struct user_regs_struct} ({@code asm/user_64.h}), and what a restart needs. */
public final class Registers {
    public static final int WORDS = 27;

    public long r15;
    public long r14;
    public long r13;
    public long r12;
    public long rbp;
    public long rbx;
    public long r11;
    public long r10;
    public long r9;
    public long r8;
    public long rax;
    public long rcx;
    public long rdx;
    public long rsi;
    public long rdi;

    /** After a system call: its number; -1 when the guest did not come from a system call. */
    public long origRax = -1;

    public long rip;
    public long eflags = 0x202;
    public long rsp;
    public long fsBase;
    public long gsBase;

    /** After a system call: where to set {@code rip} (with {@code rax = origRax}) so that the guest makes the same call again. */
    public long restartRip;

    /** Copies all of {@code other}. */
    public void set(Registers other) {
        long[] words = new long[WORDS];
        other.toWords(words);
        fromWords(words);
    }

    /** Writes the registers to {@code words} in {@code user_regs_struct} order (cs, ss, ds, es, fs, gs as a 64-bit process has them). */
    public void toWords(long[] words) {
        words[0] = r15;
        words[1] = r14;
        words[2] = r13;
        words[3] = r12;
        words[4] = rbp;
        words[5] = rbx;
        words[6] = r11;
        words[7] = r10;
        words[8] = r9;
        words[9] = r8;
        words[10] = rax;
        words[11] = rcx;
        words[12] = rdx;
        words[13] = rsi;
        words[14] = rdi;
        words[15] = origRax;
        words[16] = rip;
        words[17] = 0x33;
        words[18] = eflags;
        words[19] = rsp;
        words[20] = 0x2b;
        words[21] = fsBase;
        words[22] = gsBase;
        words[23] = restartRip;
        words[24] = 0;
        words[25] = 0;
        words[26] = 0;
    }

    /** The inverse of {@link #toWords}; segment registers are ignored. */
    public void fromWords(long[] words) {
        r15 = words[0];
        r14 = words[1];
        r13 = words[2];
        r12 = words[3];
        rbp = words[4];
        rbx = words[5];
        r11 = words[6];
        r10 = words[7];
        r9 = words[8];
        r8 = words[9];
        rax = words[10];
        rcx = words[11];
        rdx = words[12];
        rsi = words[13];
        rdi = words[14];
        origRax = words[15];
        rip = words[16];
        eflags = words[18];
        rsp = words[19];
        fsBase = words[21];
        gsBase = words[22];
        restartRip = words[23];
    }
}
