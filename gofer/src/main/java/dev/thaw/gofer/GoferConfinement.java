package dev.thaw.gofer;

import static dev.thaw.abi.Fcntl.O_CLOEXEC;
import static dev.thaw.abi.Fcntl.O_DIRECTORY;
import static dev.thaw.abi.Fcntl.O_PATH;
import static dev.thaw.abi.Fcntl.O_RDONLY;
import static dev.thaw.abi.Sysno.*;
import static dev.thaw.host.HostConfinement.*;

import dev.thaw.host.HostConfinement;
import dev.thaw.host.HostFiles;
import dev.thaw.host.HostSockets;
import dev.thaw.host.HostStat;
import dev.thaw.host.Seccomp;
import dev.thaw.host.Wire;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the gofer gives up before it serves: its root directory, its capabilities, most system calls. Java loads a class at its first use, from a file; so the
 * server first answers one of each request from itself, while files can still be opened.
 */
final class GoferConfinement {
    /** Rehearses every request over {@code procFd}'s own directory as a read-only root, which changes nothing. */
    static void rehearse(int procFd) throws Exception {
        int[] ends = new int[2];
        if (HostSockets.socketpair(Wire.SOCKET_TYPE, ends) < 0) {
            throw new IllegalStateException("no socket");
        }
        int fd = HostFiles.open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        int root = HostFiles.open("/", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        GoferServer server =
                new GoferServer(
                        List.of(new GoferRoot(0, true, ""), new GoferRoot(1, false, "")),
                        List.of(root, fd),
                        procFd);
        Thread thread = Thread.ofPlatform().start(() -> server.serve(ends[0]));
        try (GoferClient client = new GoferClient(ends[1])) {
            HostStat stat = new HostStat();
            HostStat[] stats = new HostStat[2];
            List<DirectoryEntry> entries = new ArrayList<>();
            client.walk(0, "", new String[] {"proc", "none"}, stats);
            client.stat(0, "", stat);
            client.close(client.handle(0, "", stat));
            client.readdir(0, "", entries);
            client.readlink(0, "none", new byte[16]);
            client.open(0, "none", O_RDONLY);
            client.statfs(0, "", new long[10]);
            for (int i = 0;
                    i < 2;
                    i++) { // root 1 is of procfs, so it is barred: every request goes to its check
                // and no further
                client.create(i, "none", 0, 0, 0, 0, stat);
                client.mkdir(i, "none", 0, 0, 0, stat);
                client.mknod(i, "none", 0x8000, 0, 0, stat);
                client.symlink(i, "none", "none", 0, 0, stat);
                client.link(i, "none", i, "none");
                client.rename(i, "none", i, "none", 0);
                client.unlink(i, "none", 0);
                client.setattr(i, "none", 0, 0, 0, 0, 0, 0, 0, stat);
                client.fsync(i, "none");
            }
        }
        thread.join();
        HostFiles.close(fd);
        HostFiles.close(root);
    }

    /** Confines this process. Returns null, or what failed. */
    static @Nullable String enter(int procFd, boolean writes) {
        Seccomp filter = filter(procFd, writes).prepare();
        HostConfinement.clearUmask();
        HostConfinement.raiseDescriptorLimit();
        int result = HostConfinement.enterEmptyRoot();
        if (result < 0) {
            return "chroot: errno " + -result;
        }
        long keep = CAP_DAC_OVERRIDE | CAP_DAC_READ_SEARCH;
        result =
                HostConfinement.dropCapabilities(
                        writes ? keep | CAP_CHOWN | CAP_FOWNER | CAP_FSETID | CAP_MKNOD : keep);
        if (result < 0) {
            return "capset: errno " + -result;
        }
        result = filter.install();
        return result < 0 ? "seccomp: errno " + -result : null;
    }

    /** Loads the classes of {@link #enter}, for the build's class cache. */
    static void train(int procFd) throws ReflectiveOperationException {
        filter(procFd, true).prepare();
        Class.forName("dev.thaw.host.HostConfinement");
        Class.forName("dev.thaw.host.HostProcess");
    }

    private static Seccomp filter(int procFd, boolean writes) {
        Seccomp filter = new Seccomp().allowJvm();
        filter.allow(SYS_sendmsg, SYS_recvmsg, SYS_shutdown);
        filter.allowIf(SYS_socketpair, 0, -1, 1 /* AF_UNIX */);
        filter.allow(SYS_openat2, SYS_statx, SYS_fstatfs, SYS_getdents64, SYS_readlinkat);
        filter.allowIf(SYS_openat, 0, -1, procFd);
        filter.allowIf(SYS_fcntl, 1, -1, 1030 /* F_DUPFD_CLOEXEC */);
        if (writes) {
            filter.allow(
                    SYS_mkdirat,
                    SYS_mknodat,
                    SYS_unlinkat,
                    SYS_symlinkat,
                    SYS_linkat,
                    SYS_renameat2);
            filter.allow(SYS_fchownat, SYS_utimensat, SYS_ftruncate, SYS_fsync);
            filter.allowIf(SYS_fchmodat, 0, -1, procFd);
        }
        return filter;
    }

    private GoferConfinement() {}
}
