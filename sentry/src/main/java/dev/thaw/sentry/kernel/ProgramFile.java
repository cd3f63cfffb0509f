package dev.thaw.sentry.kernel;

import static dev.thaw.abi.Errno.EACCES;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENOENT;
import static dev.thaw.abi.Errno.ENOTDIR;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.abi.Fcntl;
import dev.thaw.abi.Mount;
import dev.thaw.abi.Resource;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.loader.LoadRequest;
import dev.thaw.sentry.loader.Loader;
import dev.thaw.sentry.loader.Program;
import dev.thaw.sentry.vfs.Access;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.vfs.FileOpener;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.Location;
import dev.thaw.sentry.vfs.PathWalk;
import java.util.List;

/** Finds a program's file and loads it. */
final class ProgramFile {
    private static final String DEFAULT_PATH =
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /** A loaded program, and the owner ids it takes on by set-user-ID and set-group-ID bits (-1: none). */
    record Loaded(Program program, int setUid, int setGid) {}

    /** Loads what execveat(2) names. */
    static Loaded load(
            Task task, int dirFd, String path, int flags, List<String> argv, List<String> env)
            throws ErrnoException {
        if ((flags & ~(Fcntl.AT_EMPTY_PATH | Fcntl.AT_SYMLINK_NOFOLLOW)) != 0) {
            throw errno(EINVAL);
        }
        if (path.isEmpty() && (flags & Fcntl.AT_EMPTY_PATH) == 0) {
            throw errno(ENOENT);
        }
        Location start = start(task, dirFd, path);
        String name =
                dirFd == Fcntl.AT_FDCWD || path.startsWith("/")
                        ? path
                        : "/dev/fd/" + dirFd + (path.isEmpty() ? "" : "/" + path);
        try (FileDescription file =
                new FileOpener(task)
                        .openProgram(start, path, (flags & Fcntl.AT_SYMLINK_NOFOLLOW) == 0)) {
            return load(task, file, name, argv, env);
        }
    }

    private static Loaded load(
            Task task, FileDescription file, String name, List<String> argv, List<String> env)
            throws ErrnoException {
        Location at = file.locationOrAnonymous();
        Inode inode = at.inode();
        Credentials who = task.credentials();
        boolean raise = !task.noNewPrivileges && (at.mount().flags() & Mount.MS_NOSUID) == 0;
        int setUid = raise && (inode.mode() & Access.S_ISUID) != 0 ? inode.uid() : -1;
        int setGid =
                raise && (inode.mode() & (Access.S_ISGID | 0x8)) == (Access.S_ISGID | 0x8)
                        ? inode.gid()
                        : -1;
        boolean secure =
                setUid != -1 && setUid != who.uid()
                        || setGid != -1 && setGid != who.gid()
                        || who.uid() != who.euid()
                        || who.gid() != who.egid();
        ResourceLimits limits = task.threadGroup().limits();
        LoadRequest request =
                new LoadRequest(
                        file,
                        name,
                        argv,
                        env,
                        CredentialRules.afterExec(task, setUid, setGid),
                        secure,
                        limits.soft(Resource.RLIMIT_STACK),
                        limits.soft(Resource.RLIMIT_DATA),
                        limits.soft(Resource.RLIMIT_AS),
                        path -> new FileOpener(task).openProgram(task.fs().cwd(), path, true),
                        task.kernel()::random);
        return new Loaded(Loader.load(task.kernel().platform(), task, request), setUid, setGid);
    }

    private static Location start(Task task, int dirFd, String path) throws ErrnoException {
        if (dirFd == Fcntl.AT_FDCWD || path.startsWith("/")) {
            return task.fs().cwd();
        }
        try (FileDescription file = task.fds().get(dirFd)) {
            Location at = file.locationOrAnonymous();
            if (!path.isEmpty() && !at.inode().isDirectory()) {
                throw errno(ENOTDIR);
            }
            return at;
        }
    }

    /** Sets the working directory of a process from outside; a missing one is ENOENT. */
    static void enterDirectory(Task task, String path) throws ErrnoException {
        Location at =
                new PathWalk(task).resolve(task.fs().root(), path.isEmpty() ? "/" : path, true);
        if (!at.inode().isDirectory()) {
            throw errno(ENOTDIR);
        }
        Access.check(task.credentials(), at.inode(), Access.EXEC);
        task.fs().setCwd(at);
    }

    /** Finds {@code name} as execvp(3) does, by the PATH of {@code env}. */
    static String search(Task task, String name, List<String> env) throws ErrnoException {
        if (name.indexOf('/') >= 0) {
            return name;
        }
        String path = DEFAULT_PATH;
        for (String variable : env) {
            if (variable.startsWith("PATH=")) {
                path = variable.substring(5);
            }
        }
        int error = ENOENT;
        for (String directory : path.split(":", -1)) {
            String candidate = (directory.isEmpty() ? "." : directory) + "/" + name;
            try (FileDescription _ =
                    new FileOpener(task).openProgram(task.fs().cwd(), candidate, true)) {
                return candidate;
            } catch (ErrnoException e) {
                if (e.errno() == EACCES) {
                    error = EACCES;
                }
            }
        }
        throw errno(error);
    }

    private ProgramFile() {}
}
