package dev.thaw.runsc.boot;

import static dev.thaw.abi.Sysno.*;

import dev.thaw.abi.Errno;
import dev.thaw.host.HostPrivileges;
import dev.thaw.host.HostProcess;
import dev.thaw.host.Seccomp;
import dev.thaw.runsc.SandboxException;

/**
 * What the sandbox process gives up before the first guest instruction: every file (an empty directory becomes its root), its user and with it all capabilities, and most system calls. Its
 * network, IPC and host name were never the host's: thaw-launch made it in namespaces of its own. What it keeps is what it holds open: memory file, stubs, gofer, stdio, control socket.
 */
final class Confinement {
    private static final int NOBODY = 65534;
    private static final int SIGKILL = 9;
    private static final int AF_UNIX = 1;

    private Confinement() {}

    /** Confines the process. Classes and native libraries that are used later must be in by now: see {@link Rehearsal}. */
    static void enter(String emptyRoot) throws SandboxException {
        check("leave the file system", HostPrivileges.pivotInto(emptyRoot));
        check("become nobody", HostPrivileges.become(NOBODY));
        check(
                "set the parent-death signal",
                HostProcess.setParentDeathSignal(SIGKILL)); // the change of user took it away
        check("hide from tracing", HostPrivileges.hideFromTracing());
        check("install the seccomp filter", filter().install());
    }

    /** Loads the classes of {@link #enter}, for the build's class cache. */
    static void train() throws ReflectiveOperationException {
        filter().prepare();
        Class.forName("dev.thaw.host.HostPrivileges");
    }

    private static Seccomp filter() {
        Seccomp filter = new Seccomp().allowJvm();
        // Descriptors that are open: gofer and control sockets, donated files, stdio, images, the
        // memory file.
        filter.allow(
                SYS_sendmsg,
                SYS_recvmsg,
                SYS_accept4,
                SYS_shutdown,
                SYS_readv,
                SYS_writev,
                SYS_preadv,
                SYS_pwritev,
                SYS_pwrite64);
        filter.allow(
                SYS_ftruncate,
                SYS_fallocate,
                SYS_fsync,
                SYS_fdatasync,
                SYS_sync_file_range,
                SYS_fadvise64,
                SYS_getdents64,
                SYS_fstatfs);
        filter.allow(
                SYS_epoll_create1,
                SYS_epoll_ctl,
                SYS_epoll_wait,
                SYS_epoll_pwait,
                SYS_eventfd2,
                SYS_pipe2,
                SYS_dup,
                SYS_dup3);
        filter.allow(SYS_sched_setaffinity); // threads and stubs that work together, or apart
        filter.allowIf(SYS_socketpair, 0, -1, AF_UNIX);
        filter.allowIf(
                SYS_fcntl,
                1,
                -1,
                1 /* F_GETFD */,
                2 /* F_SETFD */,
                3 /* F_GETFL */,
                4 /* F_SETFL */,
                1030 /* F_DUPFD_CLOEXEC */,
                1034 /* F_GET_SEALS */);
        // Terminals: TCGETS, TCSETS, TCSETSW, TCSETSF, TIOCGWINSZ, TIOCSWINSZ, FIONREAD, TIOCGPGRP.
        // Never TIOCSTI.
        filter.allowIf(
                SYS_ioctl, 1, -1, 0x5401, 0x5402, 0x5403, 0x5404, 0x5413, 0x5414, 0x541b, 0x540f);
        // statx of an open descriptor: its path is checked by the kernel against an empty root.
        filter.allow(SYS_statx, SYS_newfstatat);
        // Stubs are processes of the same user: they are signalled, waited for and (ptrace
        // platform) traced.
        filter.allow(
                SYS_kill,
                SYS_wait4,
                SYS_waitid,
                SYS_ptrace,
                SYS_process_vm_readv,
                SYS_process_vm_writev,
                SYS_pidfd_open,
                SYS_pidfd_send_signal,
                SYS_geteuid,
                SYS_getuid);
        return filter;
    }

    private static void check(String what, int result) throws SandboxException {
        if (result < 0) {
            throw SandboxException.internal(
                    "the sandbox can not " + what + ": " + Errno.name(-result));
        }
    }
}
