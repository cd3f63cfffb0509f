package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EFAULT;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Kernel;
import dev.thaw.sentry.kernel.KernelVersion;
import dev.thaw.sentry.kernel.Task;
import java.nio.charset.StandardCharsets;

/** uname, sysinfo, host and domain name, getrandom, personality, syslog. */
final class SystemSyscalls {
    private static final int CAP_SYS_ADMIN = 21;
    private static final int FIELD = 65;

    /** uname(2): six fields of 65 bytes. */
    static long uname(Task task, SyscallArgs args) throws ErrnoException {
        Kernel kernel = task.kernel();
        byte[] b = new byte[6 * FIELD];
        String[] fields = {
            KernelVersion.NAME,
            kernel.hostname(),
            KernelVersion.RELEASE,
            KernelVersion.VERSION,
            KernelVersion.MACHINE,
            kernel.domainName()
        };
        for (int i = 0; i < fields.length; i++) {
            byte[] text = fields[i].getBytes(StandardCharsets.ISO_8859_1);
            System.arraycopy(text, 0, b, i * FIELD, Math.min(text.length, FIELD - 1));
        }
        task.mm().copyOutBytes(args.addr(0), b);
        return 0;
    }

    static long sethostname(Task task, SyscallArgs args) throws ErrnoException {
        task.kernel().setHostname(name(task, args));
        return 0;
    }

    static long setdomainname(Task task, SyscallArgs args) throws ErrnoException {
        task.kernel().setDomainName(name(task, args));
        return 0;
    }

    private static String name(Task task, SyscallArgs args) throws ErrnoException {
        if (!task.credentials().has(CAP_SYS_ADMIN)) {
            throw errno(EPERM);
        }
        int length = args.int32(1);
        if (length < 0 || length > 64) {
            throw errno(EINVAL);
        }
        return new String(task.mm().copyInBytes(args.addr(0), length), StandardCharsets.ISO_8859_1);
    }

    /**
     * sysinfo(2).
     *
     * <pre>
     * 0 uptime 8 loads[3] 32 totalram 40 freeram 48 sharedram 56 bufferram 64 totalswap 72 freeswap 80 procs(16) 88 totalhigh 96 freehigh 104 mem_unit(32), 112 bytes
     * </pre>
     */
    static long sysinfo(Task task, SyscallArgs args) throws ErrnoException {
        Kernel kernel = task.kernel();
        byte[] b = new byte[112];
        long total = kernel.totalMemory();
        Guest.putLong(b, 0, kernel.clock().boottime() / Guest.SECOND);
        long load = (long) kernel.ticker().runnable() << 16;
        Guest.putLong(b, 8, load);
        Guest.putLong(b, 16, load);
        Guest.putLong(b, 24, load);
        Guest.putLong(b, 32, total);
        Guest.putLong(b, 40, Math.max(0, total - kernel.memory().residentBytes()));
        int processes = kernel.tasks().size();
        b[80] = (byte) processes;
        b[81] = (byte) (processes >> 8);
        Guest.putInt(b, 104, 1);
        task.mm().copyOutBytes(args.addr(0), b);
        return 0;
    }

    /** getrandom(2): buffer, length, flags. */
    static long getrandom(Task task, SyscallArgs args) throws ErrnoException {
        int flags = args.int32(2);
        if ((flags & ~7) != 0 || (flags & 6) == 6) {
            throw errno(EINVAL);
        }
        long length = args.size(1);
        if (length < 0) {
            throw errno(EFAULT);
        }
        long wanted = Math.min(length, 0x1ffffff);
        long done = 0;
        byte[] chunk = new byte[(int) Math.min(wanted, 4096)];
        while (done < wanted) {
            if (wanted - done < chunk.length) {
                chunk = new byte[(int) (wanted - done)];
            }
            task.kernel().random(chunk);
            try {
                task.mm().copyOutBytes(args.addr(0) + done, chunk);
            } catch (ErrnoException e) {
                if (done > 0) {
                    return done;
                }
                throw e;
            }
            done += chunk.length;
        }
        return done;
    }

    /** personality(2): Linux's own, which can be asked for and set. */
    static long personality(Task task, SyscallArgs args) throws ErrnoException {
        int wanted = args.int32(0);
        if (wanted != -1 && (wanted & 0xff) != 0) {
            throw errno(EINVAL);
        }
        return 0;
    }

    /** syslog(2): an empty log. */
    static long syslog(Task task, SyscallArgs args) throws ErrnoException {
        return switch (args.int32(0)) {
            case 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 -> 0;
            case 10 -> 1 << 17;
            default -> throw errno(EINVAL);
        };
    }

    private SystemSyscalls() {}
}
