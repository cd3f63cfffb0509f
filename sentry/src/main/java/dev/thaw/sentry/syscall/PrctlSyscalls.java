package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Prctl.*;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.CredentialRules;
import dev.thaw.sentry.kernel.Credentials;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.kernel.TaskControl;
import dev.thaw.sentry.signal.SignalSet;
import java.nio.charset.StandardCharsets;

/** prctl, arch_prctl. */
final class PrctlSyscalls {
    private static final int CAP_SETPCAP = 8;

    static long prctl(Task task, SyscallArgs args) throws ErrnoException {
        TaskControl control = new TaskControl(task);
        int value = args.int32(1);
        switch (args.int32(0)) {
            case PR_SET_PDEATHSIG -> {
                if (value != 0 && !SignalSet.isValid(value)) {
                    throw errno(EINVAL);
                }
                control.setParentDeathSignal(value);
            }
            case PR_GET_PDEATHSIG -> task.mm().writeInt(args.addr(1), control.parentDeathSignal());
            case PR_GET_DUMPABLE -> {
                return control.dumpable() ? 1 : 0;
            }
            case PR_SET_DUMPABLE -> {
                if (value != 0 && value != 1) {
                    throw errno(EINVAL);
                }
                control.setDumpable(value != 0);
            }
            case PR_SET_NAME -> task.setName(name(task, args.addr(1)));
            case PR_GET_NAME -> {
                byte[] b = new byte[16];
                byte[] text = task.name().getBytes(StandardCharsets.ISO_8859_1);
                System.arraycopy(text, 0, b, 0, Math.min(15, text.length));
                task.mm().copyOutBytes(args.addr(1), b);
            }
            case PR_GET_KEEPCAPS -> {
                return control.keepCapabilities() ? 1 : 0;
            }
            case PR_SET_KEEPCAPS -> {
                if (value != 0 && value != 1) {
                    throw errno(EINVAL);
                }
                control.setKeepCapabilities(value != 0);
            }
            case PR_CAPBSET_READ -> {
                return (task.credentials().bounding() & bit(value)) != 0 ? 1 : 0;
            }
            case PR_CAPBSET_DROP -> {
                bit(value);
                requireSetPcap(task);
                task.setCredentials(CredentialRules.dropBounding(task.credentials(), value));
            }
            case PR_CAP_AMBIENT -> {
                return ambient(task, args);
            }
            case PR_GET_SECUREBITS -> {
                return control.secureBits();
            }
            case PR_SET_SECUREBITS -> {
                requireSetPcap(task);
                control.setSecureBits(value);
            }
            case PR_SET_NO_NEW_PRIVS -> {
                if (args.int64(1) != 1
                        || args.int64(2) != 0
                        || args.int64(3) != 0
                        || args.int64(4) != 0) {
                    throw errno(EINVAL);
                }
                control.setNoNewPrivileges();
            }
            case PR_GET_NO_NEW_PRIVS -> {
                return control.noNewPrivileges() ? 1 : 0;
            }
            case PR_SET_CHILD_SUBREAPER -> control.setSubreaper(args.int64(1) != 0);
            case PR_GET_CHILD_SUBREAPER ->
                    task.mm().writeInt(args.addr(1), control.subreaper() ? 1 : 0);
            case PR_GET_TID_ADDRESS -> task.mm().writeLong(args.addr(1), control.clearChildTid());
            case PR_SET_TIMERSLACK, PR_SET_VMA, PR_SET_THP_DISABLE, PR_SET_PTRACER, PR_MCE_KILL -> {
                return 0; // hints
            }
            case PR_GET_TIMERSLACK -> {
                return 50_000;
            }
            case PR_GET_THP_DISABLE, PR_GET_TSC, PR_GET_TIMING, PR_GET_SECCOMP, PR_MCE_KILL_GET -> {
                if (args.int32(0) == PR_GET_TSC) {
                    task.mm().writeInt(args.addr(1), 1);
                }
                return 0;
            }
            default -> throw errno(EINVAL);
        }
        return 0;
    }

    private static String name(Task task, long address) throws ErrnoException {
        StringBuilder text = new StringBuilder(15);
        for (int i = 0; i < 15; i++) {
            byte b = task.mm().copyInBytes(address + i, 1)[0];
            if (b == 0) {
                break;
            }
            text.append((char) (b & 0xff));
        }
        return text.toString();
    }

    private static long bit(int capability) throws ErrnoException {
        if (capability < 0
                || (1L << capability & Credentials.ALL_CAPABILITIES) == 0
                || capability > 63) {
            throw errno(EINVAL);
        }
        return 1L << capability;
    }

    private static void requireSetPcap(Task task) throws ErrnoException {
        if (!task.credentials().has(CAP_SETPCAP)) {
            throw errno(EPERM);
        }
    }

    private static long ambient(Task task, SyscallArgs args) throws ErrnoException {
        Credentials c = task.credentials();
        int operation = args.int32(1);
        if (operation == 4) { // PR_CAP_AMBIENT_CLEAR_ALL
            task.setCredentials(CredentialRules.withAmbient(c, 0));
            return 0;
        }
        long bit = bit(args.int32(2));
        return switch (operation) {
            case 1 -> (c.ambient() & bit) != 0 ? 1 : 0;
            case 2 -> {
                if ((c.permitted() & c.inheritable() & bit) == 0) {
                    throw errno(EPERM);
                }
                task.setCredentials(CredentialRules.withAmbient(c, c.ambient() | bit));
                yield 0;
            }
            case 3 -> {
                task.setCredentials(CredentialRules.withAmbient(c, c.ambient() & ~bit));
                yield 0;
            }
            default -> throw errno(EINVAL);
        };
    }

    static long archPrctl(Task task, SyscallArgs args) throws ErrnoException {
        long address = args.addr(1);
        switch (args.int32(0)) {
            case ARCH_SET_FS -> task.registers().fsBase = checked(task, address);
            case ARCH_SET_GS -> task.registers().gsBase = checked(task, address);
            case ARCH_GET_FS -> task.mm().writeLong(address, task.registers().fsBase);
            case ARCH_GET_GS -> task.mm().writeLong(address, task.registers().gsBase);
            default -> throw errno(EINVAL);
        }
        return 0;
    }

    private static long checked(Task task, long address) throws ErrnoException {
        if (address < 0 || address >= task.kernel().platform().maxAddress()) {
            throw errno(EPERM);
        }
        return address;
    }

    private PrctlSyscalls() {}
}
