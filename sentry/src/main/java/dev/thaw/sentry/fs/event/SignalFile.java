package dev.thaw.sentry.fs.event;

import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Fcntl.O_RDWR;
import static dev.thaw.abi.Poll.POLLIN;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.abi.Signals;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.kernel.ThreadGroup;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.signal.SignalInfo;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.wait.Waiter;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** A signalfd(2): reads take pending signals of whoever reads. Which task polls is who runs; where none does (after a restore), the process that made it. */
public final class SignalFile extends FileDescription {
    /** {@code struct signalfd_siginfo}. */
    static final int INFO_SIZE = 128;

    private static final long NEVER = 1L << Signals.SIGKILL - 1 | 1L << Signals.SIGSTOP - 1;

    private final Map<Waiter, ThreadGroup> waiters = new ConcurrentHashMap<>();
    private @Nullable ThreadGroup owner; // set by the constructor or the restore, then final
    private volatile long mask;

    public SignalFile(ThreadGroup owner, long mask, int flags) {
        super(O_RDWR | flags);
        this.owner = owner;
        this.mask = mask & ~NEVER;
    }

    private SignalFile(State state) {
        super(state.file);
        mask = state.mask;
    }

    @Override
    public String description() {
        return "anon_inode:[signalfd]";
    }

    /** Replaces the set of signals; who waits looks again. */
    public void setMask(long next) {
        mask = next & ~NEVER;
        for (Waiter waiter : waiters.keySet()) {
            waiter.wake(POLLIN);
        }
    }

    /** The set, for {@code /proc/[pid]/fdinfo}. */
    public long mask() {
        return mask;
    }

    @Override
    public long read(Task task, IoBuffer target) throws ErrnoException {
        if (target.remaining() < INFO_SIZE) {
            throw errno(EINVAL);
        }
        long done = 0;
        while (target.remaining() >= INFO_SIZE) {
            SignalInfo info = task.takeSignal(mask);
            if (info == null) {
                break;
            }
            long put;
            try {
                put = target.put(convert(info), 0, INFO_SIZE);
            } catch (ErrnoException e) {
                if (done > 0) {
                    return done; // as Linux: the signal is lost
                }
                throw e;
            }
            done += put;
        }
        return done == 0 ? -EAGAIN : done;
    }

    private static byte[] convert(SignalInfo info) {
        byte[] bytes = new byte[INFO_SIZE];
        LittleEndian.setInt(bytes, 0, info.signal());
        LittleEndian.setInt(bytes, 8, info.code());
        int code = info.code();
        if (code == Signals.SI_TIMER) {
            LittleEndian.setInt(bytes, 24, info.timerId());
            LittleEndian.setInt(bytes, 32, info.overrun());
            setValue(bytes, info.value());
        } else if (info.signal() == Signals.SIGCHLD && code > 0) {
            LittleEndian.setInt(bytes, 12, info.pid());
            LittleEndian.setInt(bytes, 16, info.uid());
            LittleEndian.setInt(bytes, 40, info.status());
            System.arraycopy(info.bytes(), 32, bytes, 56, 16);
        } else if (code > 0 && code != Signals.SI_KERNEL && isFault(info.signal())) {
            System.arraycopy(info.bytes(), 16, bytes, 72, 8);
        } else {
            LittleEndian.setInt(bytes, 12, info.pid());
            LittleEndian.setInt(bytes, 16, info.uid());
            setValue(bytes, info.value());
        }
        return bytes;
    }

    private static boolean isFault(int signal) {
        return signal == Signals.SIGSEGV
                || signal == Signals.SIGBUS
                || signal == Signals.SIGILL
                || signal == Signals.SIGFPE
                || signal == Signals.SIGTRAP;
    }

    private static void setValue(byte[] bytes, long value) {
        LittleEndian.setInt(bytes, 44, (int) value);
        LittleEndian.setInt(bytes, 48, (int) value);
        LittleEndian.setInt(bytes, 52, (int) (value >>> 32));
    }

    @Override
    public int poll(int events) {
        Task task = Task.current();
        if (task == null) {
            ThreadGroup group = owner;
            return group != null
                            && !group.isDead()
                            && (group.leader().signals().pendingSet() & mask) != 0
                    ? POLLIN & events
                    : 0;
        }
        return (task.signals().pendingSet() & mask) != 0 ? POLLIN & events : 0;
    }

    @Override
    public void addWaiter(Waiter waiter, int events) {
        Task task = Task.current();
        ThreadGroup group = task == null ? owner : task.threadGroup();
        if (group != null) {
            waiters.put(waiter, group);
            group.signalQueue().add(waiter, events);
        }
    }

    @Override
    public void removeWaiter(Waiter waiter) {
        ThreadGroup group = waiters.remove(waiter);
        if (group != null) {
            group.signalQueue().remove(waiter);
        }
    }

    /** What a checkpoint keeps. */
    @StateType(id = 0x040c, version = 1)
    public record State(FileState file, int owner, long mask) {}

    @Override
    public Record save(SaveContext context) {
        return new State(saveFile(context), context.ref(owner), mask);
    }

    static final Restorer<State, SignalFile> RESTORER =
            new Restorer<>() {
                @Override
                public SignalFile create(State state, RestoreContext context) {
                    return new SignalFile(state);
                }

                @Override
                public void link(SignalFile file, State state, RestoreContext context) {
                    file.owner = context.getOrNull(state.owner, ThreadGroup.class);
                }
            };
}
