package dev.thaw.sentry.fs.dev;

import static dev.thaw.abi.Errno.EBADF;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENODEV;
import static dev.thaw.abi.Errno.ENOSPC;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.mm.Mappable;
import dev.thaw.sentry.mm.ZeroMappable;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;

/** null(4), zero, full(4), random(4) and urandom: they have no position and are always ready. */
final class MemoryDevice extends FileDescription {
    private static final int RNDGETENTCNT = 0x80045200;
    private static final int STEP = 64 << 10;
    private static final long MAX_RANDOM = 32 << 20;

    private final int device;

    MemoryDevice(int device, int flags) {
        super(flags);
        this.device = device;
    }

    private MemoryDevice(State state) {
        super(state.file);
        this.device = state.device;
    }

    @Override
    public long read(Task task, IoBuffer target) throws ErrnoException {
        if (!isReadable()) {
            throw errno(EBADF);
        }
        return switch (device) {
            case Devices.NULL -> 0;
            case Devices.RANDOM, Devices.URANDOM -> random(task, target);
            default -> target.putZeros(target.remaining());
        };
    }

    private static long random(Task task, IoBuffer target) throws ErrnoException {
        long done = 0;
        long wanted = Math.min(target.remaining(), MAX_RANDOM);
        while (done < wanted) {
            byte[] bytes = new byte[(int) Math.min(wanted - done, STEP)];
            task.kernel().random(bytes);
            long put;
            try {
                put = target.put(bytes, 0, bytes.length);
            } catch (ErrnoException e) {
                if (done > 0) {
                    return done;
                }
                throw e;
            }
            done += put;
            if (put < bytes.length) {
                break;
            }
        }
        return done;
    }

    @Override
    public long write(Task task, IoBuffer source) throws ErrnoException {
        if (!isWritable()) {
            throw errno(EBADF);
        }
        if (device == Devices.FULL) {
            throw errno(ENOSPC);
        }
        return source.remaining();
    }

    @Override
    public long pread(Task task, IoBuffer target, long offset) throws ErrnoException {
        return read(task, target);
    }

    @Override
    public long pwrite(Task task, IoBuffer source, long offset) throws ErrnoException {
        return write(task, source);
    }

    @Override
    public long seek(Task task, long offset, int whence) throws ErrnoException {
        if (whence < 0 || whence > 4) {
            throw errno(EINVAL);
        }
        return 0;
    }

    @Override
    public long ioctl(Task task, int command, long argument) throws ErrnoException {
        if (command == RNDGETENTCNT && (device == Devices.RANDOM || device == Devices.URANDOM)) {
            task.mm().writeInt(argument, 256);
            return 0;
        }
        return super.ioctl(task, command, argument);
    }

    @Override
    public Mappable mappable() throws ErrnoException {
        if (device != Devices.ZERO) {
            throw errno(ENODEV);
        }
        return ZeroMappable.INSTANCE;
    }

    @Override
    public boolean pollable() {
        return device == Devices.RANDOM || device == Devices.URANDOM;
    }

    /** What a checkpoint keeps. */
    @StateType(id = 0x03e0, version = 1)
    public record State(FileState file, int device) {}

    @Override
    public Record save(SaveContext context) {
        return new State(saveFile(context), device);
    }

    static final Restorer<State, MemoryDevice> RESTORER =
            new Restorer<>() {
                @Override
                public MemoryDevice create(State state, RestoreContext context) {
                    return new MemoryDevice(state);
                }

                @Override
                public void link(MemoryDevice file, State state, RestoreContext context) {
                    file.restoreFile(state.file, context);
                }
            };
}
