package dev.thaw.sentry.fs.event;

import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Errno.EEXIST;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Fcntl.O_RDONLY;
import static dev.thaw.abi.Inotify.IN_ALL_EVENTS;
import static dev.thaw.abi.Inotify.IN_DELETE_SELF;
import static dev.thaw.abi.Inotify.IN_IGNORED;
import static dev.thaw.abi.Inotify.IN_ISDIR;
import static dev.thaw.abi.Inotify.IN_MASK_ADD;
import static dev.thaw.abi.Inotify.IN_MASK_CREATE;
import static dev.thaw.abi.Inotify.IN_ONESHOT;
import static dev.thaw.abi.Inotify.IN_Q_OVERFLOW;
import static dev.thaw.abi.Ioctls.FIONREAD;
import static dev.thaw.abi.Poll.POLLIN;
import static dev.thaw.abi.Poll.POLLRDNORM;
import static dev.thaw.sentry.ErrnoException.errno;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.Watches;
import dev.thaw.sentry.wait.WaitQueue;
import dev.thaw.sentry.wait.Waiter;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** An inotify(7) instance: watches on inodes, and the events that nobody has read yet. */
public final class InotifyFile extends FileDescription {
    private static final int HEADER = 16;
    private static final int MAX_EVENTS = 16_384;

    private final class Watch implements Watches.Watcher {
        final int wd;
        final Inode inode;
        volatile int mask;

        Watch(int wd, Inode inode, int mask) {
            this.wd = wd;
            this.inode = inode;
            this.mask = mask;
        }

        @Override
        public void happened(int events, int cookie, String name) {
            boolean gone = (events & IN_DELETE_SELF) != 0;
            if ((mask & events & IN_ALL_EVENTS) != 0) {
                enqueue(wd, events & (mask | IN_ISDIR), cookie, name);
                gone |= (mask & IN_ONESHOT) != 0;
            }
            if (gone) {
                forget(this);
            }
        }
    }

    private final KernelLock mu = new KernelLock(LockClass.FILE);
    private final WaitQueue queue = new WaitQueue();

    @GuardedBy("mu")
    private final Map<Integer, Watch> watches = new LinkedHashMap<>();

    @GuardedBy("mu")
    private final ArrayDeque<Event> events = new ArrayDeque<>();

    @GuardedBy("mu")
    private int lastWd;

    private volatile int size;

    public InotifyFile(int flags) {
        super(O_RDONLY | flags);
    }

    private InotifyFile(State state) {
        super(state.file);
        mu.lock();
        try {
            lastWd = state.lastWd;
            events.addAll(state.events);
            size = events.size();
        } finally {
            mu.unlock();
        }
    }

    @Override
    public String description() {
        return "anon_inode:inotify";
    }

    /** Watches {@code inode} for {@code mask}, or changes the watch that there is. Returns the watch descriptor. */
    public int watch(Inode inode, int mask) throws ErrnoException {
        int kept = mask & (IN_ALL_EVENTS | IN_ONESHOT);
        Watch made;
        mu.lock();
        try {
            for (Watch watch : watches.values()) {
                if (watch.inode == inode) {
                    if ((mask & IN_MASK_CREATE) != 0) {
                        throw errno(EEXIST);
                    }
                    watch.mask = (mask & IN_MASK_ADD) != 0 ? watch.mask | kept : kept;
                    return watch.wd;
                }
            }
            made = new Watch(++lastWd, inode, kept);
            watches.put(made.wd, made);
        } finally {
            mu.unlock();
        }
        inode.addWatcher(made);
        return made.wd;
    }

    /** Ends a watch; EINVAL. */
    public void unwatch(int wd) throws ErrnoException {
        Watch watch;
        mu.lock();
        try {
            watch = watches.get(wd);
        } finally {
            mu.unlock();
        }
        if (watch == null) {
            throw errno(EINVAL);
        }
        forget(watch);
    }

    private void forget(Watch watch) {
        mu.lock();
        try {
            if (!watches.remove(watch.wd, watch)) {
                return;
            }
        } finally {
            mu.unlock();
        }
        watch.inode.removeWatcher(watch);
        enqueue(watch.wd, IN_IGNORED, 0, "");
    }

    private void enqueue(int wd, int mask, int cookie, String name) {
        mu.lock();
        try {
            Event last = events.peekLast();
            Event event = new Event(wd, mask, cookie, name);
            if (event.equals(last) || (last != null && last.mask == IN_Q_OVERFLOW)) {
                return;
            }
            events.add(events.size() >= MAX_EVENTS ? new Event(-1, IN_Q_OVERFLOW, 0, "") : event);
            size = events.size();
        } finally {
            mu.unlock();
        }
        queue.notify(POLLIN | POLLRDNORM);
    }

    @Override
    public long read(Task task, IoBuffer target) throws ErrnoException {
        long done = 0;
        while (true) {
            Event event;
            mu.lock();
            try {
                event = events.peek();
                if (event == null || event.length() > target.remaining()) {
                    if (done > 0) {
                        return done;
                    }
                    if (event != null) {
                        throw errno(EINVAL);
                    }
                    return -EAGAIN;
                }
                events.remove();
                size = events.size();
            } finally {
                mu.unlock();
            }
            byte[] bytes = event.bytes();
            try {
                done += target.put(bytes, 0, bytes.length);
            } catch (ErrnoException e) {
                if (done > 0) {
                    return done;
                }
                throw e;
            }
        }
    }

    @Override
    public long ioctl(Task task, int command, long argument) throws ErrnoException {
        if (command != FIONREAD) {
            return super.ioctl(task, command, argument);
        }
        int bytes = 0;
        mu.lock();
        try {
            for (Event event : events) {
                bytes += event.length();
            }
        } finally {
            mu.unlock();
        }
        task.mm().writeInt(argument, bytes);
        return 0;
    }

    @Override
    public int poll(int mask) {
        return size > 0 ? (POLLIN | POLLRDNORM) & mask : 0;
    }

    @Override
    public void addWaiter(Waiter waiter, int mask) {
        queue.add(waiter, mask);
    }

    @Override
    public void removeWaiter(Waiter waiter) {
        queue.remove(waiter);
    }

    @Override
    protected void release() {
        List<Watch> all;
        mu.lock();
        try {
            all = new ArrayList<>(watches.values());
            watches.clear();
        } finally {
            mu.unlock();
        }
        for (Watch watch : all) {
            watch.inode.removeWatcher(watch);
        }
    }

    /** An event; the name is without its NULs. */
    @StateType(id = 0x040f, version = 1)
    public record Event(int wd, int mask, int cookie, String name) {
        int length() {
            return name.isEmpty() ? HEADER : HEADER + (name.length() + HEADER & -HEADER);
        }

        byte[] bytes() {
            byte[] bytes = new byte[length()];
            LittleEndian.setInt(bytes, 0, wd);
            LittleEndian.setInt(bytes, 4, mask);
            LittleEndian.setInt(bytes, 8, cookie);
            LittleEndian.setInt(bytes, 12, bytes.length - HEADER);
            for (int i = 0; i < name.length(); i++) {
                bytes[HEADER + i] = (byte) name.charAt(i);
            }
            return bytes;
        }
    }

    /** One watch. */
    @StateType(id = 0x040e, version = 1)
    public record WatchState(int wd, int inode, int mask) {}

    /** What a checkpoint keeps. Watches on files that are made up (procfs) end. */
    @StateType(id = 0x040d, version = 1)
    public record State(FileState file, int lastWd, List<WatchState> watches, List<Event> events) {}

    @Override
    public Record save(SaveContext context) {
        mu.lock();
        try {
            List<WatchState> states = new ArrayList<>();
            for (Watch watch : watches.values()) {
                if (!watch.inode.fs().isRebuilt()) {
                    states.add(new WatchState(watch.wd, context.ref(watch.inode), watch.mask));
                }
            }
            return new State(saveFile(context), lastWd, states, List.copyOf(events));
        } finally {
            mu.unlock();
        }
    }

    private void restore(State state, RestoreContext context) {
        restoreFile(state.file, context);
        for (WatchState saved : state.watches) {
            Watch watch = new Watch(saved.wd, context.get(saved.inode, Inode.class), saved.mask);
            mu.lock();
            try {
                watches.put(watch.wd, watch);
            } finally {
                mu.unlock();
            }
            watch.inode.addWatcher(watch);
        }
    }

    static final Restorer<State, InotifyFile> RESTORER =
            new Restorer<>() {
                @Override
                public InotifyFile create(State state, RestoreContext context) {
                    return new InotifyFile(state);
                }

                @Override
                public void link(InotifyFile file, State state, RestoreContext context) {
                    file.restore(state, context);
                }
            };
}
