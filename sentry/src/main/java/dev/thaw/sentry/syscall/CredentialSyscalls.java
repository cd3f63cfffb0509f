package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Errno.ESRCH;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.CredentialRules;
import dev.thaw.sentry.kernel.Credentials;
import dev.thaw.sentry.kernel.Task;

/** User and group ids, supplementary groups, capabilities. */
final class CredentialSyscalls {
    private static final int VERSION_1 = 0x19980330;
    private static final int VERSION_2 = 0x20071026;
    private static final int VERSION_3 = 0x20080522;
    private static final int NGROUPS_MAX = 65_536;

    static long getuid(Task task, SyscallArgs args) {
        return task.credentials().uid() & 0xffffffffL;
    }

    static long geteuid(Task task, SyscallArgs args) {
        return task.credentials().euid() & 0xffffffffL;
    }

    static long getgid(Task task, SyscallArgs args) {
        return task.credentials().gid() & 0xffffffffL;
    }

    static long getegid(Task task, SyscallArgs args) {
        return task.credentials().egid() & 0xffffffffL;
    }

    static long setuid(Task task, SyscallArgs args) throws ErrnoException {
        task.setCredentials(CredentialRules.setUid(task, args.int32(0)));
        return 0;
    }

    static long setgid(Task task, SyscallArgs args) throws ErrnoException {
        task.setCredentials(CredentialRules.setGid(task, args.int32(0)));
        return 0;
    }

    static long setreuid(Task task, SyscallArgs args) throws ErrnoException {
        task.setCredentials(CredentialRules.setReUid(task, args.int32(0), args.int32(1)));
        return 0;
    }

    static long setregid(Task task, SyscallArgs args) throws ErrnoException {
        task.setCredentials(CredentialRules.setReGid(task, args.int32(0), args.int32(1)));
        return 0;
    }

    static long setresuid(Task task, SyscallArgs args) throws ErrnoException {
        task.setCredentials(
                CredentialRules.setResUid(task, args.int32(0), args.int32(1), args.int32(2)));
        return 0;
    }

    static long setresgid(Task task, SyscallArgs args) throws ErrnoException {
        task.setCredentials(
                CredentialRules.setResGid(task, args.int32(0), args.int32(1), args.int32(2)));
        return 0;
    }

    static long getresuid(Task task, SyscallArgs args) throws ErrnoException {
        Credentials c = task.credentials();
        task.mm().writeInt(args.addr(0), c.uid());
        task.mm().writeInt(args.addr(1), c.euid());
        task.mm().writeInt(args.addr(2), c.suid());
        return 0;
    }

    static long getresgid(Task task, SyscallArgs args) throws ErrnoException {
        Credentials c = task.credentials();
        task.mm().writeInt(args.addr(0), c.gid());
        task.mm().writeInt(args.addr(1), c.egid());
        task.mm().writeInt(args.addr(2), c.sgid());
        return 0;
    }

    static long setfsuid(Task task, SyscallArgs args) {
        long old = task.credentials().fsuid() & 0xffffffffL;
        task.setCredentials(CredentialRules.setFsUid(task, args.int32(0)));
        return old;
    }

    static long setfsgid(Task task, SyscallArgs args) {
        long old = task.credentials().fsgid() & 0xffffffffL;
        task.setCredentials(CredentialRules.setFsGid(task, args.int32(0)));
        return old;
    }

    static long getgroups(Task task, SyscallArgs args) throws ErrnoException {
        int[] groups = task.credentials().groups();
        int size = args.int32(0);
        if (size < 0 || size > 0 && size < groups.length) {
            throw errno(EINVAL);
        }
        if (size > 0) {
            byte[] b = new byte[4 * groups.length];
            for (int i = 0; i < groups.length; i++) {
                Guest.putInt(b, 4 * i, groups[i]);
            }
            task.mm().copyOutBytes(args.addr(1), b);
        }
        return groups.length;
    }

    static long setgroups(Task task, SyscallArgs args) throws ErrnoException {
        int size = args.int32(0);
        if (!task.credentials().has(6)) {
            throw errno(EPERM);
        }
        if (size < 0 || size > NGROUPS_MAX) {
            throw errno(EINVAL);
        }
        byte[] b = task.mm().copyInBytes(args.addr(1), 4 * size);
        int[] groups = new int[size];
        for (int i = 0; i < size; i++) {
            groups[i] = Guest.getInt(b, 4 * i);
        }
        task.setCredentials(CredentialRules.setGroups(task, groups));
        return 0;
    }

    /**
     * capget(2).
     *
     * <pre>
     * header { 0 version 4 pid }; data[2] { 0 effective 4 permitted 8 inheritable }, low half first
     * </pre>
     */
    static long capget(Task task, SyscallArgs args) throws ErrnoException {
        int words = words(task, args);
        if (words == 0) {
            if (args.addr(1) == 0) {
                return 0;
            }
            throw errno(EINVAL);
        }
        int pid = task.mm().readInt(args.addr(0) + 4);
        if (pid < 0) {
            throw errno(EINVAL);
        }
        Task target = pid == 0 ? task : task.kernel().tasks().task(pid);
        if (target == null) {
            throw errno(ESRCH);
        }
        Credentials c = target.credentials();
        byte[] b = new byte[12 * words];
        for (int i = 0; i < words; i++) {
            Guest.putInt(b, 12 * i, (int) (c.effective() >>> 32 * i));
            Guest.putInt(b, 12 * i + 4, (int) (c.permitted() >>> 32 * i));
            Guest.putInt(b, 12 * i + 8, (int) (c.inheritable() >>> 32 * i));
        }
        if (args.addr(1) != 0) {
            task.mm().copyOutBytes(args.addr(1), b);
        }
        return 0;
    }

    static long capset(Task task, SyscallArgs args) throws ErrnoException {
        int words = words(task, args);
        if (words == 0) {
            throw errno(EINVAL);
        }
        int pid = task.mm().readInt(args.addr(0) + 4);
        if (pid != 0 && pid != task.tid()) {
            throw errno(EPERM);
        }
        byte[] b = task.mm().copyInBytes(args.addr(1), 12 * words);
        long[] sets = new long[3];
        for (int i = 0; i < words; i++) {
            for (int set = 0; set < 3; set++) {
                sets[set] |= (Guest.getInt(b, 12 * i + 4 * set) & 0xffffffffL) << 32 * i;
            }
        }
        long known = Credentials.ALL_CAPABILITIES;
        task.setCredentials(
                CredentialRules.setCapabilities(
                        task, sets[0] & known, sets[1] & known, sets[2] & known));
        return 0;
    }

    /** How many words the header's version has; 0 (and the best version written back) for one that is not known. */
    private static int words(Task task, SyscallArgs args) throws ErrnoException {
        return switch (task.mm().readInt(args.addr(0))) {
            case VERSION_1 -> 1;
            case VERSION_2, VERSION_3 -> 2;
            default -> {
                task.mm().writeInt(args.addr(0), VERSION_3);
                yield 0;
            }
        };
    }

    private CredentialSyscalls() {}
}
