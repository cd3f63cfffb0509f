package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENOBUFS;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Errno.ESRCH;
import static dev.thaw.abi.Errno.ETOOMANYREFS;
import static dev.thaw.abi.Socket.AF_UNIX;
import static dev.thaw.abi.Socket.MSG_CTRUNC;
import static dev.thaw.abi.Socket.SCM_CREDENTIALS;
import static dev.thaw.abi.Socket.SCM_RIGHTS;
import static dev.thaw.abi.Socket.SOL_SOCKET;
import static dev.thaw.abi.Socket.SO_PASSCRED;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Credentials;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.net.SocketFile;
import dev.thaw.sentry.net.SocketFile.Ancillary;
import dev.thaw.sentry.net.SocketFile.Received;
import dev.thaw.sentry.vfs.FileDescription;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Control messages, cmsg(3): {@code 0 len (8 bytes), 8 level, 12 type, 16 data}, each aligned to 8 bytes. An instance fills the guest's buffer. */
final class ControlMessages {
    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int HEADER = 16;
    private static final int MAX_RIGHTS = 253;
    private static final int MAX_CONTROL = 20_480;
    private static final int CAP_SETGID = 6;
    private static final int CAP_SETUID = 7;
    private static final int CAP_SYS_ADMIN = 21;

    private final Task task;
    private final SocketFile socket;
    private final long address;
    private final long room;
    private long used;
    private int flags;

    ControlMessages(Task task, SocketFile socket, long address, long room) {
        this.task = task;
        this.socket = socket;
        this.address = address;
        this.room = Math.min(room, MAX_CONTROL);
    }

    /** Bytes written. */
    long length() {
        return used;
    }

    /** MSG_CTRUNC when something did not fit. */
    int flags() {
        return flags;
    }

    /** Reads what a sender passes. The result owns references to the files. */
    static Ancillary read(
            Task task, byte @org.jspecify.annotations.Nullable [] name, long address, long length)
            throws ErrnoException {
        if (address == 0 || length == 0) {
            return new Ancillary(name, List.of(), null);
        }
        if (length < 0 || length > MAX_CONTROL) {
            throw errno(ENOBUFS);
        }
        byte[] control = task.mm().copyInBytes(address, (int) length);
        List<FileDescription> rights = new ArrayList<>();
        int[] credentials = null;
        boolean done = false;
        try {
            int at = 0;
            while (control.length - at >= HEADER) {
                long size = (long) LONG.get(control, at);
                if (size < HEADER || size > control.length - at) {
                    throw errno(EINVAL);
                }
                int level = (int) INT.get(control, at + 8);
                int type = (int) INT.get(control, at + 12);
                if (level == SOL_SOCKET) {
                    int data = (int) size - HEADER;
                    if (type == SCM_RIGHTS) {
                        addRights(task, control, at + HEADER, data / 4, rights);
                    } else if (type == SCM_CREDENTIALS && data == 12) {
                        credentials =
                                new int[] {
                                    (int) INT.get(control, at + 16),
                                    (int) INT.get(control, at + 20),
                                    (int) INT.get(control, at + 24)
                                };
                        checkCredentials(task, credentials);
                    } else {
                        throw errno(EINVAL);
                    }
                }
                at += (int) (size + 7 & ~7L);
            }
            done = true;
            return new Ancillary(name, rights, credentials);
        } finally {
            if (!done) {
                closeAll(rights);
            }
        }
    }

    private static void addRights(
            Task task, byte[] control, int offset, int count, List<FileDescription> rights)
            throws ErrnoException {
        if (count + rights.size() > MAX_RIGHTS) {
            throw errno(rights.isEmpty() ? EINVAL : ETOOMANYREFS);
        }
        for (int i = 0; i < count; i++) {
            rights.add(task.fds().get((int) INT.get(control, offset + 4 * i)));
        }
    }

    private static void checkCredentials(Task task, int[] ucred) throws ErrnoException {
        Credentials who = task.credentials();
        if (ucred[0] != task.threadGroup().pid()) {
            if (!who.has(CAP_SYS_ADMIN)) {
                throw errno(EPERM);
            }
            if (ucred[0] <= 0) {
                throw errno(ESRCH);
            }
        }
        boolean uid =
                ucred[1] == who.uid()
                        || ucred[1] == who.euid()
                        || ucred[1] == who.suid()
                        || who.has(CAP_SETUID);
        boolean gid =
                ucred[2] == who.gid()
                        || ucred[2] == who.egid()
                        || ucred[2] == who.sgid()
                        || who.has(CAP_SETGID);
        if (!uid || !gid) {
            throw errno(EPERM);
        }
    }

    /** Gives back the references of what was not sent. */
    static void discard(Ancillary ancillary) {
        closeAll(ancillary.rights());
    }

    private static void closeAll(List<FileDescription> files) {
        for (FileDescription file : files) {
            file.close();
        }
    }

    /** Writes what was received: credentials if the socket wants them, then descriptors, as far as there is room. */
    void write(Received received, boolean closeOnExec) throws ErrnoException {
        int[] who = received.credentials;
        if (socket.domain() == AF_UNIX && wantsCredentials()) {
            byte[] data = new byte[12];
            int[] shown = who == null ? new int[] {0, 65534, 65534} : who;
            for (int i = 0; i < 3; i++) {
                INT.set(data, 4 * i, shown[i]);
            }
            put(SCM_CREDENTIALS, data);
        }
        if (!received.rights.isEmpty()) {
            putRights(received, closeOnExec);
        }
    }

    private boolean wantsCredentials() throws ErrnoException {
        return (int) INT.get(socket.getOption(task, SOL_SOCKET, SO_PASSCRED), 0) != 0;
    }

    private void putRights(Received received, boolean closeOnExec) throws ErrnoException {
        List<FileDescription> rights = new ArrayList<>(received.rights);
        received.rights = rights; // what is left in it at the end is closed by the caller
        int fit = (int) Math.max(0, Math.min(rights.size(), (room - used - HEADER) / 4));
        if (fit < rights.size()) {
            flags |= MSG_CTRUNC;
        }
        byte[] data = new byte[4 * fit];
        int count = 0;
        while (count < fit) {
            int fd;
            try {
                fd = task.fds().install(rights.getFirst(), 0, closeOnExec, NewFiles.limit(task));
            } catch (ErrnoException e) {
                flags |= MSG_CTRUNC;
                break;
            }
            rights.removeFirst();
            INT.set(data, 4 * count++, fd);
        }
        if (count > 0) {
            put(SCM_RIGHTS, count == fit ? data : Arrays.copyOf(data, 4 * count));
        }
    }

    private void put(int type, byte[] data) throws ErrnoException {
        long left = room - used;
        if (left < HEADER) {
            flags |= MSG_CTRUNC;
            return;
        }
        int fit = (int) Math.min(data.length, left - HEADER);
        if (fit < data.length) {
            flags |= MSG_CTRUNC;
        }
        byte[] message = new byte[HEADER + fit];
        LONG.set(message, 0, (long) message.length);
        INT.set(message, 8, SOL_SOCKET);
        INT.set(message, 12, type);
        System.arraycopy(data, 0, message, HEADER, fit);
        task.mm().copyOutBytes(address + used, message);
        used += Math.min(message.length + 7 & ~7, left);
    }
}
