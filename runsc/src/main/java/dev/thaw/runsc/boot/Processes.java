package dev.thaw.runsc.boot;

import dev.thaw.abi.Errno;
import dev.thaw.abi.Fcntl;
import dev.thaw.host.HostFiles;
import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.oci.ProcessConfig;
import dev.thaw.runsc.oci.ProcessConfig.Capabilities;
import dev.thaw.runsc.oci.ProcessConfig.User;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.fs.host.HostFileDescription;
import dev.thaw.sentry.kernel.Credentials;
import dev.thaw.sentry.kernel.ProcessSpec;
import dev.thaw.sentry.vfs.FdTable;
import dev.thaw.sentry.vfs.MountNamespace;

/** From the OCI's view of a process to the kernel's. */
final class Processes {
    private static final long NO_LIMIT = 1 << 20;
    private static final int UNNAMED = 1000;

    private Processes() {}

    static ProcessSpec spec(ProcessConfig process, MountNamespace mounts, FdTable fds) {
        return new ProcessSpec(
                process.args(),
                process.env(),
                process.cwd(),
                credentials(process),
                process.rlimits(),
                mounts,
                fds);
    }

    private static Credentials credentials(ProcessConfig process) {
        User user = process.user();
        Capabilities caps = process.capabilities();
        int uid = user.uid();
        int gid = user.gid();
        return new Credentials(
                uid,
                uid,
                uid,
                uid,
                gid,
                gid,
                gid,
                gid,
                user.additionalGids(),
                caps.permitted(),
                caps.effective(),
                caps.inheritable(),
                caps.bounding(),
                caps.ambient());
    }

    /** A descriptor table with the three descriptors from {@code first} on as 0, 1 and 2. A restore offers others in their place. */
    static FdTable stdio(int first) throws ErrnoException {
        return stdio(0, first, first + 1, first + 2);
    }

    /** A descriptor table over three descriptors of the host, which it owns from now on. After a restore they are gone. */
    static FdTable stdio(int stdin, int stdout, int stderr) throws ErrnoException {
        return stdio(UNNAMED, stdin, stdout, stderr);
    }

    static FdTable stdio(int name, int stdin, int stdout, int stderr) throws ErrnoException {
        FdTable fds = new FdTable();
        int index = name;
        for (int fd : new int[] {stdin, stdout, stderr}) {
            int flags = (int) HostFiles.fcntl(fd, Fcntl.F_GETFL, 0);
            fds.install(
                    new HostFileDescription(index++, fd, flags < 0 ? Fcntl.O_RDWR : flags),
                    0,
                    false,
                    NO_LIMIT);
        }
        return fds;
    }

    /** In runc's words, which engines look for. */
    static SandboxException notStarted(ProcessConfig process, ErrnoException e) {
        String program = process.args().getFirst();
        String reason =
                switch (e.errno()) {
                    case Errno.ENOENT ->
                            program.contains("/")
                                    ? "stat " + program + ": no such file or directory"
                                    : "executable file not found in $PATH";
                    case Errno.EACCES -> "permission denied";
                    case Errno.ENOEXEC -> "exec format error";
                    case Errno.ENOTDIR -> "not a directory";
                    case Errno.EAGAIN -> "no more processes are allowed (pids limit)";
                    case Errno.ENOMEM -> "no memory (memory limit)";
                    default -> String.valueOf(e.getMessage());
                };
        return SandboxException.invalid(
                "unable to start container process: exec: \"" + program + "\": " + reason);
    }
}
