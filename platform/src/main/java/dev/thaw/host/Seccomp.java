package dev.thaw.host;

import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Errno.ENOSYS;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Sysno.*;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.TreeMap;

/**
 * Builds and installs a seccomp filter over the process's own host calls. What is not allowed answers EPERM. The kernel keeps a bitmap of the calls that a
 * filter always allows, so the length of the list costs nothing for those; calls with a condition run the filter each time.
 */
public final class Seccomp {
    // Classic BPF: struct sock_filter { u16 code; u8 jt, jf; u32 k }, over struct seccomp_data {
    // int nr; u32 arch; u64 ip; u64 args[6] }.
    private static final int LOAD = 0x20; // BPF_LD | BPF_W | BPF_ABS
    private static final int JUMP_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
    private static final int JUMP_GREATER_EQUAL = 0x35; // BPF_JMP | BPF_JGE | BPF_K
    private static final int AND = 0x54; // BPF_ALU | BPF_AND | BPF_K
    private static final int RETURN = 0x06;

    private static final int RET_KILL_PROCESS = 0x80000000;
    private static final int RET_ERRNO = 0x00050000;
    private static final int RET_ALLOW = 0x7fff0000;

    private static final int AUDIT_ARCH_X86_64 = 0xc000003e;
    private static final int X32_BIT = 0x40000000;
    private static final int PR_SET_NO_NEW_PRIVS = 38;
    private static final int SECCOMP_SET_MODE_FILTER = 1;
    private static final int FILTER_FLAG_TSYNC = 1;
    private static final int CLONE_THREAD = 0x10000;
    private static final int MAX_INSTRUCTIONS = 4096;

    /** One call's rule: an action, or (with {@code values}) RET_ALLOW only where {@code args[argument] & mask} is one of them. */
    private record Rule(int action, int argument, int mask, int[] values) {}

    private final TreeMap<Integer, Rule> rules = new TreeMap<>();

    /** Allows calls whatever their arguments. */
    public Seccomp allow(int... numbers) {
        for (int number : numbers) {
            rules.put(number, new Rule(RET_ALLOW, 0, 0, new int[0]));
        }
        return this;
    }

    /** Allows a call only when the low word of argument {@code argument}, masked, equals one of {@code values}; else EPERM. */
    public Seccomp allowIf(int number, int argument, int mask, int... values) {
        if (argument < 0 || argument > 5 || values.length == 0 || values.length > 64) {
            throw new IllegalArgumentException("rule for call " + number);
        }
        rules.put(number, new Rule(RET_ALLOW, argument, mask, values.clone()));
        return this;
    }

    /** Answers a call with {@code errno}. */
    public Seccomp refuse(int number, int errno) {
        rules.put(number, new Rule(RET_ERRNO | errno, 0, 0, new int[0]));
        return this;
    }

    /** Allows what a HotSpot JVM that has loaded its classes goes on to call: memory, threads, locks, time, its own descriptors. No files, sockets, programs. */
    public Seccomp allowJvm() {
        allow(
                SYS_read,
                SYS_write,
                SYS_close,
                SYS_lseek,
                SYS_pread64,
                SYS_fstat,
                SYS_poll,
                SYS_ppoll);
        allow(SYS_mmap, SYS_munmap, SYS_mprotect, SYS_madvise, SYS_mremap, SYS_brk, SYS_mincore);
        allow(
                SYS_futex,
                SYS_set_robust_list,
                SYS_rseq,
                SYS_set_tid_address,
                SYS_exit,
                SYS_exit_group,
                SYS_gettid,
                SYS_getpid,
                SYS_tgkill);
        allow(
                SYS_rt_sigaction,
                SYS_rt_sigprocmask,
                SYS_rt_sigreturn,
                SYS_sigaltstack,
                SYS_restart_syscall);
        allow(SYS_sched_yield, SYS_sched_getaffinity, SYS_getcpu, SYS_membarrier, SYS_getpriority);
        allow(
                SYS_clock_gettime,
                SYS_clock_getres,
                SYS_clock_nanosleep,
                SYS_nanosleep,
                SYS_gettimeofday,
                SYS_time);
        allow(SYS_getrusage, SYS_sysinfo, SYS_getrandom, SYS_uname);
        allowIf(
                SYS_prctl,
                0,
                -1,
                15 /* PR_SET_NAME */,
                16 /* PR_GET_NAME */,
                0x53564d41 /* PR_SET_VMA */);
        allowIf(SYS_prlimit64, 0, -1, 0); // glibc's pthread_getattr_np reads the stack limit
        allowIf(SYS_clone, 0, CLONE_THREAD, CLONE_THREAD);
        refuse(SYS_clone3, ENOSYS); // its flags lie in memory; glibc falls back to clone
        refuse(SYS_openat, EPERM);
        return this;
    }

    /** Loads all that {@link #install} needs, for a process that can open no file by then. */
    public Seccomp prepare() {
        build();
        return this;
    }

    /**
     * Sets no_new_privs and the filter for every thread of the process, for good. Returns 0 or {@code -errno}; {@code -EAGAIN} where a thread has a filter of
     * its own.
     */
    public int install() {
        int[] program = build();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment code = arena.allocate(4L * program.length, 8);
            for (int i = 0; i < program.length; i++) {
                code.setAtIndex(JAVA_INT, i, program[i]);
            }
            MemorySegment header =
                    arena.allocate(
                            16, 8); // struct sock_fprog { u16 len; struct sock_filter *filter }
            header.set(JAVA_SHORT, 0, (short) (program.length / 2));
            header.set(JAVA_LONG, 8, code.address());
            long result = RawSyscall.call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0);
            if (result >= 0) {
                result =
                        RawSyscall.call(
                                SYS_seccomp,
                                SECCOMP_SET_MODE_FILTER,
                                FILTER_FLAG_TSYNC,
                                header.address(),
                                0,
                                0,
                                0);
            }
            return result > 0 ? -EAGAIN : (int) result;
        }
    }

    /** The program: two words an instruction. */
    private int[] build() {
        Program program = new Program();
        program.add(LOAD, 0, 0, 4);
        program.add(JUMP_EQUAL, 1, 0, AUDIT_ARCH_X86_64);
        program.add(RETURN, 0, 0, RET_KILL_PROCESS);
        program.add(LOAD, 0, 0, 0);
        program.add(JUMP_GREATER_EQUAL, 0, 1, X32_BIT);
        program.add(RETURN, 0, 0, RET_KILL_PROCESS);
        rules.forEach(
                (number, rule) -> {
                    int[] values = rule.values();
                    int length = values.length == 0 ? 1 : 3 + 2 * values.length;
                    program.add(JUMP_EQUAL, 0, length, number);
                    if (values.length > 0) {
                        program.add(LOAD, 0, 0, 16 + 8 * rule.argument());
                        program.add(AND, 0, 0, rule.mask());
                        for (int value : values) {
                            program.add(JUMP_EQUAL, 0, 1, value);
                            program.add(RETURN, 0, 0, rule.action());
                        }
                        program.add(RETURN, 0, 0, RET_ERRNO | EPERM);
                    } else {
                        program.add(RETURN, 0, 0, rule.action());
                    }
                });
        program.add(RETURN, 0, 0, RET_ERRNO | EPERM);
        return program.words();
    }

    private static final class Program {
        private int[] words = new int[512];
        private int size;

        void add(int code, int whenTrue, int whenFalse, int operand) {
            if (size == 2 * MAX_INSTRUCTIONS) {
                throw new IllegalStateException("filter too long");
            }
            if (size + 2 > words.length) {
                words = Arrays.copyOf(words, 2 * words.length);
            }
            words[size++] = code | whenTrue << 16 | whenFalse << 24;
            words[size++] = operand;
        }

        int[] words() {
            return Arrays.copyOf(words, size);
        }
    }
}
