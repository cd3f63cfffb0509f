package dev.thaw.host;

import static dev.thaw.abi.Errno.EINTR;
import static dev.thaw.abi.Sysno.SYS_execve;
import static dev.thaw.abi.Sysno.SYS_exit_group;
import static dev.thaw.abi.Sysno.SYS_getpid;
import static dev.thaw.abi.Sysno.SYS_kill;
import static dev.thaw.abi.Sysno.SYS_pidfd_open;
import static dev.thaw.abi.Sysno.SYS_prctl;
import static dev.thaw.abi.Sysno.SYS_wait4;
import static dev.thaw.abi.Sysno.SYS_waitid;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** Processes of the host. Nothing here forks a JVM: children are made by posix_spawn(3). Every function returns {@code -errno} on failure. */
public final class HostProcess {
    /** waitpid option: do not block. */
    public static final int WNOHANG = 1;

    private static final int P_PID = 1;
    private static final int WEXITED = 4;
    private static final int WNOWAIT = 0x01000000;
    private static final long SIGINFO_PID = 12;
    private static final int FILE_ACTIONS_SIZE = 128; // 80 in glibc
    private static final int PR_SET_PDEATHSIG = 1;

    /** The functions of spawning, looked up when the first process is. */
    private static final class Spawn {
        static final long SPAWN = LibC.function("posix_spawn");
        static final long INIT = LibC.function("posix_spawn_file_actions_init");
        static final long DUP2 = LibC.function("posix_spawn_file_actions_adddup2");
        static final long DESTROY = LibC.function("posix_spawn_file_actions_destroy");
    }

    private HostProcess() {}

    /**
     * Starts the program at {@code path}. It gets {@code stdin}, {@code stdout} and {@code stderr} (which must be above 2 or in their own place) as 0, 1 and 2, and each of {@code inherited}
     * under its own number; every other CLOEXEC descriptor stays behind. Strings are raw bytes (ISO-8859-1).
     *
     * @return the pid, or {@code -errno}
     */
    public static int spawn(
            String path,
            String[] argv,
            String[] env,
            int stdin,
            int stdout,
            int stderr,
            int... inherited) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment actions = arena.allocate(FILE_ACTIONS_SIZE, 16);
            long at = actions.address();
            LibC.call(Spawn.INIT, at, 0, 0, 0, 0, 0);
            LibC.call(Spawn.DUP2, at, stdin, 0, 0, 0, 0);
            LibC.call(Spawn.DUP2, at, stdout, 1, 0, 0, 0);
            LibC.call(Spawn.DUP2, at, stderr, 2, 0, 0, 0);
            for (int fd : inherited) {
                LibC.call(
                        Spawn.DUP2,
                        at,
                        fd,
                        fd,
                        0,
                        0,
                        0); // onto itself: takes CLOEXEC away in the child
            }
            MemorySegment pid = arena.allocate(JAVA_INT);
            long error =
                    LibC.call(
                            Spawn.SPAWN,
                            pid.address(),
                            string(arena, path),
                            at,
                            0,
                            strings(arena, argv),
                            strings(arena, env));
            LibC.call(Spawn.DESTROY, at, 0, 0, 0, 0, 0);
            return (int) error != 0 ? -(int) error : pid.get(JAVA_INT, 0);
        }
    }

    /** Replaces this process by the program at {@code path}; returns only on failure. */
    public static int exec(String path, String[] argv, String[] env) {
        try (Arena arena = Arena.ofConfined()) {
            return (int)
                    RawSyscall.call(
                            SYS_execve,
                            string(arena, path),
                            strings(arena, argv),
                            strings(arena, env),
                            0,
                            0,
                            0);
        }
    }

    /** Waits for a child. Its wait status goes to {@code status[0]}. Returns the pid, or 0 with WNOHANG when it still runs. */
    public static int waitpid(int pid, int options, int[] status) {
        MemorySegment out = HostScratch.structs();
        long result;
        do {
            result = RawSyscall.call(SYS_wait4, pid, out.address(), options, 0, 0, 0);
        } while (result == -EINTR);
        status[0] = out.get(JAVA_INT, 0);
        return (int) result;
    }

    /** Whether {@code pid} is a child of this process (by birth or because its parent died) that has ended. It stays a zombie: others may wait for it. */
    public static boolean isEndedChild(int pid) {
        MemorySegment info = HostScratch.structs();
        info.set(JAVA_INT, SIGINFO_PID, 0);
        return RawSyscall.call(
                                SYS_waitid,
                                P_PID,
                                pid,
                                info.address(),
                                WEXITED | WNOHANG | WNOWAIT,
                                0,
                                0)
                        == 0
                && info.get(JAVA_INT, SIGINFO_PID) != 0;
    }

    /** Ends this process at once. {@link Runtime#halt} would wait 300 ms for threads that sleep in host calls. Streams must be flushed before. */
    public static void exit(int code) {
        RawSyscall.call(SYS_exit_group, code, 0, 0, 0, 0, 0);
        throw new AssertionError("exit_group returned");
    }

    /** Waits for the end of child {@code pid}, which stays a zombie for others to wait for. */
    public static void awaitEnd(int pid) {
        MemorySegment info = HostScratch.structs();
        long result;
        do {
            result =
                    RawSyscall.call(
                            SYS_waitid, P_PID, pid, info.address(), WEXITED | WNOWAIT, 0, 0);
        } while (result == -EINTR);
    }

    /** The exit code a shell would show for a wait status. */
    public static int exitCode(int status) {
        return (status & 0x7f) == 0 ? status >> 8 & 0xff : 128 + (status & 0x7f);
    }

    /** Sends a signal. */
    public static int kill(int pid, int signal) {
        return (int) RawSyscall.call(SYS_kill, pid, signal, 0, 0, 0, 0);
    }

    /** A descriptor for a process, readable when it has ended. */
    public static int pidfdOpen(int pid) {
        return (int) RawSyscall.call(SYS_pidfd_open, pid, 0, 0, 0, 0, 0);
    }

    /** This process's pid in its own namespace. */
    public static int getpid() {
        return (int) RawSyscall.call(SYS_getpid, 0, 0, 0, 0, 0, 0);
    }

    /** Has the host kill this process when the thread that made it ends. A change of user clears it. */
    public static int setParentDeathSignal(int signal) {
        return (int) RawSyscall.call(SYS_prctl, PR_SET_PDEATHSIG, signal, 0, 0, 0, 0);
    }

    private static long string(Arena arena, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        MemorySegment segment = arena.allocate(bytes.length + 1L);
        segment.copyFrom(MemorySegment.ofArray(bytes));
        return segment.address();
    }

    private static long strings(Arena arena, String[] texts) {
        MemorySegment vector = arena.allocate(JAVA_LONG, texts.length + 1L);
        for (int i = 0; i < texts.length; i++) {
            vector.setAtIndex(JAVA_LONG, i, string(arena, texts[i]));
        }
        return vector.address();
    }
}
