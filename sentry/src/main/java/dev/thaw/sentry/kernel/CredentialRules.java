package dev.thaw.sentry.kernel;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;

/** How identity changes (credentials(7), capabilities(7)). Each method returns the new credentials or throws EPERM or EINVAL. */
public final class CredentialRules {
    private static final int CAP_SETGID = 6;
    private static final int CAP_SETUID = 7;

    /** Capabilities that go with the file-system user id. */
    private static final long FS_CAPABILITIES =
            0x1f | 1L << 9 | 1L << 27
                    | 1L << 32; // CHOWN … FSETID, LINUX_IMMUTABLE, MKNOD, MAC_OVERRIDE

    private static final int SECURE_NOROOT = 1;
    private static final int SECURE_NO_SETUID_FIXUP = 4;

    public static Credentials setUid(Task task, int uid) throws ErrnoException {
        Credentials c = task.credentials();
        if (uid == -1) {
            throw errno(EINVAL);
        }
        if (c.has(CAP_SETUID)) {
            return users(task, c, uid, uid, uid, uid);
        }
        if (uid == c.uid() || uid == c.suid()) {
            return users(task, c, c.uid(), uid, c.suid(), uid);
        }
        throw errno(EPERM);
    }

    public static Credentials setReUid(Task task, int ruid, int euid) throws ErrnoException {
        Credentials c = task.credentials();
        boolean able = c.has(CAP_SETUID);
        if (ruid != -1 && !able && ruid != c.uid() && ruid != c.euid()
                || euid != -1 && !able && euid != c.uid() && euid != c.euid() && euid != c.suid()) {
            throw errno(EPERM);
        }
        int newReal = ruid == -1 ? c.uid() : ruid;
        int newEffective = euid == -1 ? c.euid() : euid;
        int newSaved = ruid != -1 || euid != -1 && euid != c.uid() ? newEffective : c.suid();
        return users(task, c, newReal, newEffective, newSaved, newEffective);
    }

    public static Credentials setResUid(Task task, int ruid, int euid, int suid)
            throws ErrnoException {
        Credentials c = task.credentials();
        if (!c.has(CAP_SETUID)
                && !(oneOf(ruid, c.uid(), c.euid(), c.suid())
                        && oneOf(euid, c.uid(), c.euid(), c.suid())
                        && oneOf(suid, c.uid(), c.euid(), c.suid()))) {
            throw errno(EPERM);
        }
        int newEffective = euid == -1 ? c.euid() : euid;
        return users(
                task,
                c,
                ruid == -1 ? c.uid() : ruid,
                newEffective,
                suid == -1 ? c.suid() : suid,
                euid == -1 ? c.fsuid() : newEffective);
    }

    /** setfsuid(2) never fails: it leaves things as they are. */
    public static Credentials setFsUid(Task task, int fsuid) {
        Credentials c = task.credentials();
        if (fsuid == -1
                || !(c.has(CAP_SETUID)
                        || oneOf(fsuid, c.uid(), c.euid(), c.suid())
                        || fsuid == c.fsuid())) {
            return c;
        }
        long effective = c.effective();
        if (c.fsuid() == 0 && fsuid != 0) {
            effective &= ~FS_CAPABILITIES;
        } else if (c.fsuid() != 0 && fsuid == 0) {
            effective |= c.permitted() & FS_CAPABILITIES;
        }
        return new Credentials(
                c.uid(),
                c.euid(),
                c.suid(),
                fsuid,
                c.gid(),
                c.egid(),
                c.sgid(),
                c.fsgid(),
                c.groups(),
                c.permitted(),
                effective,
                c.inheritable(),
                c.bounding(),
                c.ambient());
    }

    public static Credentials setGid(Task task, int gid) throws ErrnoException {
        Credentials c = task.credentials();
        if (gid == -1) {
            throw errno(EINVAL);
        }
        if (c.has(CAP_SETGID)) {
            return groups(c, gid, gid, gid, gid);
        }
        if (gid == c.gid() || gid == c.sgid()) {
            return groups(c, c.gid(), gid, c.sgid(), gid);
        }
        throw errno(EPERM);
    }

    public static Credentials setReGid(Task task, int rgid, int egid) throws ErrnoException {
        Credentials c = task.credentials();
        boolean able = c.has(CAP_SETGID);
        if (rgid != -1 && !able && rgid != c.gid() && rgid != c.egid()
                || egid != -1 && !able && egid != c.gid() && egid != c.egid() && egid != c.sgid()) {
            throw errno(EPERM);
        }
        int newReal = rgid == -1 ? c.gid() : rgid;
        int newEffective = egid == -1 ? c.egid() : egid;
        int newSaved = rgid != -1 || egid != -1 && egid != c.gid() ? newEffective : c.sgid();
        return groups(c, newReal, newEffective, newSaved, newEffective);
    }

    public static Credentials setResGid(Task task, int rgid, int egid, int sgid)
            throws ErrnoException {
        Credentials c = task.credentials();
        if (!c.has(CAP_SETGID)
                && !(oneOf(rgid, c.gid(), c.egid(), c.sgid())
                        && oneOf(egid, c.gid(), c.egid(), c.sgid())
                        && oneOf(sgid, c.gid(), c.egid(), c.sgid()))) {
            throw errno(EPERM);
        }
        int newEffective = egid == -1 ? c.egid() : egid;
        return groups(
                c,
                rgid == -1 ? c.gid() : rgid,
                newEffective,
                sgid == -1 ? c.sgid() : sgid,
                egid == -1 ? c.fsgid() : newEffective);
    }

    public static Credentials setFsGid(Task task, int fsgid) {
        Credentials c = task.credentials();
        if (fsgid == -1
                || !(c.has(CAP_SETGID)
                        || oneOf(fsgid, c.gid(), c.egid(), c.sgid())
                        || fsgid == c.fsgid())) {
            return c;
        }
        return groups(c, c.gid(), c.egid(), c.sgid(), fsgid);
    }

    public static Credentials setGroups(Task task, int[] groups) throws ErrnoException {
        Credentials c = task.credentials();
        if (!c.has(CAP_SETGID)) {
            throw errno(EPERM);
        }
        return new Credentials(
                c.uid(),
                c.euid(),
                c.suid(),
                c.fsuid(),
                c.gid(),
                c.egid(),
                c.sgid(),
                c.fsgid(),
                groups,
                c.permitted(),
                c.effective(),
                c.inheritable(),
                c.bounding(),
                c.ambient());
    }

    /** capset(2). */
    public static Credentials setCapabilities(
            Task task, long effective, long permitted, long inheritable) throws ErrnoException {
        Credentials c = task.credentials();
        boolean setPcap = c.has(8);
        if ((permitted & ~c.permitted()) != 0
                || (effective & ~permitted) != 0
                || !setPcap && (inheritable & ~(c.inheritable() | c.permitted())) != 0
                || (inheritable & ~(c.inheritable() | c.bounding())) != 0) {
            throw errno(EPERM);
        }
        return capabilities(
                c,
                permitted,
                effective,
                inheritable,
                c.bounding(),
                c.ambient() & permitted & inheritable);
    }

    static Credentials capabilities(
            Credentials c,
            long permitted,
            long effective,
            long inheritable,
            long bounding,
            long ambient) {
        return new Credentials(
                c.uid(),
                c.euid(),
                c.suid(),
                c.fsuid(),
                c.gid(),
                c.egid(),
                c.sgid(),
                c.fsgid(),
                c.groups(),
                permitted,
                effective,
                inheritable,
                bounding,
                ambient);
    }

    /** Drops {@code capability} from the bounding set. */
    public static Credentials dropBounding(Credentials c, int capability) {
        return capabilities(
                c,
                c.permitted(),
                c.effective(),
                c.inheritable(),
                c.bounding() & ~(1L << capability),
                c.ambient());
    }

    public static Credentials withAmbient(Credentials c, long ambient) {
        return capabilities(
                c, c.permitted(), c.effective(), c.inheritable(), c.bounding(), ambient);
    }

    /** What execve(2) makes of the credentials; the ids are those of a set-user-ID or set-group-ID program, or -1. */
    static Credentials afterExec(Task task, int setUid, int setGid) {
        Credentials c = task.credentials();
        boolean raise = !task.noNewPrivileges;
        int euid = setUid != -1 && raise ? setUid : c.euid();
        int egid = setGid != -1 && raise ? setGid : c.egid();
        boolean privileged = euid != c.euid() || egid != c.egid();
        long ambient = privileged ? 0 : c.ambient();
        long permitted = ambient;
        long effective = ambient;
        boolean rootRules = (task.secureBits & SECURE_NOROOT) == 0;
        if (rootRules && (euid == 0 || c.uid() == 0)) {
            permitted = c.inheritable() | c.bounding();
            effective = euid == 0 ? permitted : ambient;
        }
        return new Credentials(
                c.uid(),
                euid,
                euid,
                euid,
                c.gid(),
                egid,
                egid,
                egid,
                c.groups(),
                permitted,
                effective,
                c.inheritable(),
                c.bounding(),
                ambient);
    }

    private static Credentials users(
            Task task, Credentials c, int uid, int euid, int suid, int fsuid) {
        long permitted = c.permitted();
        long effective = c.effective();
        long ambient = c.ambient();
        if ((task.secureBits & SECURE_NO_SETUID_FIXUP) == 0) {
            boolean hadRoot = c.uid() == 0 || c.euid() == 0 || c.suid() == 0;
            boolean hasRoot = uid == 0 || euid == 0 || suid == 0;
            if (hadRoot && !hasRoot) {
                if (!task.keepCapabilities) {
                    permitted = 0;
                    effective = 0;
                }
                ambient = 0;
            }
            if (c.euid() == 0 && euid != 0) {
                effective = 0;
            } else if (c.euid() != 0 && euid == 0) {
                effective = permitted;
            }
        }
        return new Credentials(
                uid,
                euid,
                suid,
                fsuid,
                c.gid(),
                c.egid(),
                c.sgid(),
                c.fsgid(),
                c.groups(),
                permitted,
                effective,
                c.inheritable(),
                c.bounding(),
                ambient);
    }

    private static Credentials groups(Credentials c, int gid, int egid, int sgid, int fsgid) {
        return new Credentials(
                c.uid(),
                c.euid(),
                c.suid(),
                c.fsuid(),
                gid,
                egid,
                sgid,
                fsgid,
                c.groups(),
                c.permitted(),
                c.effective(),
                c.inheritable(),
                c.bounding(),
                c.ambient());
    }

    private static boolean oneOf(int id, int a, int b, int c) {
        return id == -1 || id == a || id == b || id == c;
    }

    private CredentialRules() {}
}
