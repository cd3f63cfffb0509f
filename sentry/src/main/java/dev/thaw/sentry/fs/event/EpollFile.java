package dev.thaw.sentry.fs.event;

import static dev.thaw.abi.Errno.EEXIST;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ELOOP;
import static dev.thaw.abi.Errno.ENOENT;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Fcntl.O_RDWR;
import static dev.thaw.abi.Poll.EPOLLERR;
import static dev.thaw.abi.Poll.EPOLLET;
import static dev.thaw.abi.Poll.EPOLLEXCLUSIVE;
import static dev.thaw.abi.Poll.EPOLLHUP;
import static dev.thaw.abi.Poll.EPOLLIN;
import static dev.thaw.abi.Poll.EPOLLONESHOT;
import static dev.thaw.abi.Poll.EPOLLOUT;
import static dev.thaw.abi.Poll.EPOLLRDNORM;
import static dev.thaw.abi.Poll.EPOLLWAKEUP;
import static dev.thaw.sentry.ErrnoException.errno;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.sentry.vfs.FileDescription;
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
import org.jspecify.annotations.Nullable;

/**
 * An epoll(7) instance (Linux: {@code struct eventpoll}): the interest list, and the ready list that wakes fill and {@link #collect} drains.
 *
 * <p>Linux first: an item enters the ready list when its file wakes it with an event of interest, or when it is added or modified while ready. A wait takes items off, asks each file
 * again, reports what holds, and puts a level-triggered item back at the end. Items do not hold their file: when the last reference to it is closed, they go.
 *
 * <p>Locks: {@link #mu} guards the interest list and is held while files are polled (an epoll inside another nests; loops are refused, so the nesting has an order).
 * {@link #readyMu} guards the ready list alone and is taken by wakes, in any context.
 */
public final class EpollFile extends FileDescription {
    /** How deep instances may watch each other (Linux: EP_MAX_NESTS). */
    private static final int MAX_NESTING = 4;

    private static final int PRIVATE_BITS = EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE;
    private static final int EXCLUSIVE_OK =
            EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;
    private static final String NESTED = "an epoll inside another; loops are refused";

    /** Serialises changes of who watches whom, across all instances. */
    private static final KernelLock TOPOLOGY = new KernelLock(LockClass.EPOLL);

    private record Key(int fd, FileDescription file) {
        @Override
        public boolean equals(Object other) {
            return other instanceof Key key && key.fd == fd && key.file == file;
        }

        @Override
        public int hashCode() {
            return 31 * fd + System.identityHashCode(file);
        }
    }

    /** One watched file. */
    private final class Item implements Waiter, FileDescription.ReleaseListener {
        final Key key;
        long data; // guarded by mu
        volatile int events; // written with mu held
        volatile boolean removed;
        boolean ready; // guarded by readyMu: stands in the ready list

        Item(Key key, int events, long data) {
            this.key = key;
            this.events = events;
            this.data = data;
        }

        @Override
        public void wake(int happened) {
            if (!removed && (events & happened & ~PRIVATE_BITS) != 0) {
                enqueue(this);
                queue.notify(EPOLLIN | EPOLLRDNORM);
            }
        }

        @Override
        public void released(FileDescription file) {
            mu.lockNested(NESTED);
            try {
                removeLocked(this);
            } finally {
                mu.unlock();
            }
        }

        boolean disabled() {
            return (events & ~PRIVATE_BITS) == 0;
        }

        int poll() {
            int mask = events & ~PRIVATE_BITS;
            return mask == 0
                    ? 0
                    : key.file.poll(mask | EPOLLERR | EPOLLHUP) & (mask | EPOLLERR | EPOLLHUP);
        }
    }

    private final KernelLock mu = new KernelLock(LockClass.EPOLL);
    private final KernelLock readyMu = new KernelLock(LockClass.LEAF);
    private final WaitQueue queue = new WaitQueue();

    @GuardedBy("mu")
    private final Map<Key, Item> items = new LinkedHashMap<>();

    @GuardedBy("readyMu")
    private final ArrayDeque<Item> ready = new ArrayDeque<>();

    private volatile int readyCount;

    public EpollFile() {
        super(O_RDWR);
    }

    private EpollFile(State state) {
        super(state.file);
    }

    @Override
    public String description() {
        return "anon_inode:[eventpoll]";
    }

    /** EPOLL_CTL_ADD. */
    public void add(int fd, FileDescription file, int events, long data) throws ErrnoException {
        if (file == this
                || ((events & EPOLLEXCLUSIVE) != 0
                        && ((events & ~EXCLUSIVE_OK) != 0 || file instanceof EpollFile))) {
            throw errno(EINVAL);
        }
        if (!file.pollable()) {
            throw errno(EPERM);
        }
        if (file instanceof EpollFile inner) {
            TOPOLOGY.lock();
            try {
                if (inner.reaches(this, 0) || inner.depth() + 1 > MAX_NESTING) {
                    throw errno(ELOOP);
                }
                insert(fd, file, events, data);
            } finally {
                TOPOLOGY.unlock();
            }
        } else {
            insert(fd, file, events, data);
        }
    }

    private void insert(int fd, FileDescription file, int events, long data) throws ErrnoException {
        mu.lockNested("inside TOPOLOGY");
        try {
            Key key = new Key(fd, file);
            if (items.containsKey(key)) {
                throw errno(EEXIST);
            }
            Item item = new Item(key, events, data);
            items.put(key, item);
            file.addReleaseListener(item);
            watchLocked(item);
        } finally {
            mu.unlock();
        }
    }

    /** EPOLL_CTL_MOD. */
    public void modify(int fd, FileDescription file, int events, long data) throws ErrnoException {
        mu.lock();
        try {
            Item item = items.get(new Key(fd, file));
            if (item == null) {
                throw errno(ENOENT);
            }
            if (((events | item.events) & EPOLLEXCLUSIVE) != 0) {
                throw errno(EINVAL);
            }
            file.removeWaiter(item);
            item.data = data;
            item.events = events;
            watchLocked(item);
        } finally {
            mu.unlock();
        }
    }

    /** EPOLL_CTL_DEL. */
    public void delete(int fd, FileDescription file) throws ErrnoException {
        mu.lock();
        try {
            Item item = items.get(new Key(fd, file));
            if (item == null) {
                throw errno(ENOENT);
            }
            file.removeReleaseListener(item);
            removeLocked(item);
        } finally {
            mu.unlock();
        }
    }

    @GuardedBy("mu")
    private void watchLocked(Item item) {
        item.key.file.addWaiter(item, item.events & ~PRIVATE_BITS);
        if (item.poll() != 0) {
            enqueue(item);
            queue.notify(EPOLLIN | EPOLLRDNORM);
        }
    }

    @GuardedBy("mu")
    private void removeLocked(Item item) {
        if (item.removed) {
            return;
        }
        item.removed = true;
        items.remove(item.key);
        item.key.file.removeWaiter(item);
        dequeue(item);
    }

    private void enqueue(Item item) {
        readyMu.lock();
        try {
            if (!item.ready && !item.removed) {
                item.ready = true;
                ready.add(item);
                readyCount = ready.size();
            }
        } finally {
            readyMu.unlock();
        }
    }

    private void dequeue(Item item) {
        readyMu.lock();
        try {
            if (item.ready) {
                item.ready = false;
                ready.remove(item);
                readyCount = ready.size();
            }
        } finally {
            readyMu.unlock();
        }
    }

    private @Nullable Item next() {
        readyMu.lock();
        try {
            Item item = ready.poll();
            if (item != null) {
                item.ready = false;
                readyCount = ready.size();
            }
            return item;
        } finally {
            readyMu.unlock();
        }
    }

    /** Takes one event that {@link #collect} found. */
    public interface Sink {
        void accept(int events, long data);
    }

    /** Reports up to {@code max} ready files to {@code sink}, each once; returns how many. */
    public int collect(int max, Sink sink) {
        if (readyCount == 0) {
            return 0;
        }
        int found = 0;
        List<Item> again = new ArrayList<>();
        mu.lock();
        try {
            for (int left = readyCount; found < max && left > 0; left--) {
                Item item = next();
                if (item == null) {
                    break;
                }
                int events = item.poll();
                if (events == 0) {
                    continue;
                }
                sink.accept(events, item.data);
                found++;
                if ((item.events & EPOLLONESHOT) != 0) {
                    item.events &= PRIVATE_BITS;
                } else if ((item.events & EPOLLET) == 0) {
                    again.add(item);
                }
            }
            for (Item item : again) {
                enqueue(item);
            }
        } finally {
            mu.unlock();
        }
        if (readyCount > 0) {
            queue.notify(EPOLLIN | EPOLLRDNORM); // another waiter may take the rest
        }
        return found;
    }

    /** Where waits for this instance queue up. */
    public WaitQueue queue() {
        return queue;
    }

    @Override
    public int poll(int mask) {
        if (readyCount == 0) {
            return 0;
        }
        mu.lockNested(NESTED);
        try {
            for (int left = readyCount; left > 0; left--) {
                Item item = next();
                if (item == null) {
                    break;
                }
                if (item.poll() != 0) {
                    requeueFirst(item);
                    return (EPOLLIN | EPOLLRDNORM) & mask;
                }
            }
            return 0;
        } finally {
            mu.unlock();
        }
    }

    private void requeueFirst(Item item) {
        readyMu.lock();
        try {
            if (!item.ready) {
                item.ready = true;
                ready.addFirst(item);
                readyCount = ready.size();
            }
        } finally {
            readyMu.unlock();
        }
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
        List<Item> all;
        mu.lockNested(NESTED);
        try {
            all = new ArrayList<>(items.values());
            for (Item item : all) {
                removeLocked(item);
            }
        } finally {
            mu.unlock();
        }
        for (Item item : all) {
            item.key.file.removeReleaseListener(item);
        }
    }

    /** Whether a chain of watches leads from here to {@code target}. TOPOLOGY is held. */
    private boolean reaches(EpollFile target, int depth) {
        if (this == target || depth > MAX_NESTING + 1) {
            return true;
        }
        for (EpollFile inner : watchedInstances()) {
            if (inner.reaches(target, depth + 1)) {
                return true;
            }
        }
        return false;
    }

    private int depth() {
        int depth = 0;
        for (EpollFile inner : watchedInstances()) {
            depth = Math.max(depth, 1 + inner.depth());
        }
        return depth;
    }

    private List<EpollFile> watchedInstances() {
        List<EpollFile> inner = new ArrayList<>();
        mu.lockNested("inside TOPOLOGY");
        try {
            for (Key key : items.keySet()) {
                if (key.file instanceof EpollFile epoll) {
                    inner.add(epoll);
                }
            }
        } finally {
            mu.unlock();
        }
        return inner;
    }

    /** Calls {@code sink} with descriptor number, events and data of each watched file, for {@code /proc/[pid]/fdinfo}. */
    public void forEach(Visitor visitor) {
        mu.lock();
        try {
            for (Item item : items.values()) {
                visitor.visit(item.key.fd, item.events, item.data);
            }
        } finally {
            mu.unlock();
        }
    }

    /** Sees one watched file. */
    public interface Visitor {
        void visit(int fd, int events, long data);
    }

    /** What a checkpoint keeps: the interest list in order, and each item's place in the ready list (-1: none), which holds edges not yet reported. */
    @StateType(id = 0x0409, version = 1)
    public record State(FileState file, List<ItemState> items) {}

    /** One watched file. */
    @StateType(id = 0x040a, version = 1)
    public record ItemState(int fd, int file, int events, long data, int readyPlace) {}

    @Override
    public Record save(SaveContext context) {
        List<Item> order = new ArrayList<>();
        readyMu.lock();
        try {
            order.addAll(ready);
        } finally {
            readyMu.unlock();
        }
        List<ItemState> states = new ArrayList<>();
        mu.lock();
        try {
            for (Item item : items.values()) {
                states.add(
                        new ItemState(
                                item.key.fd,
                                context.ref(item.key.file),
                                item.events,
                                item.data,
                                order.indexOf(item)));
            }
        } finally {
            mu.unlock();
        }
        return new State(saveFile(context), states);
    }

    private void restore(State state, RestoreContext context) {
        Item[] order = new Item[state.items.size()];
        mu.lock();
        try {
            for (ItemState saved : state.items) {
                Key key = new Key(saved.fd, context.get(saved.file, FileDescription.class));
                Item item = new Item(key, saved.events, saved.data);
                items.put(key, item);
                key.file.addReleaseListener(item);
                if (saved.readyPlace >= 0 && saved.readyPlace < order.length) {
                    order[saved.readyPlace] = item;
                }
            }
        } finally {
            mu.unlock();
        }
        for (Item item : order) {
            if (item != null) {
                enqueue(item);
            }
        }
        // Behind what others do after the link: a file of /proc is not found before its root is
        // there.
        context.afterLink(() -> context.afterLink(this::watchAll));
    }

    private void watchAll() {
        mu.lock();
        try {
            for (Item item : items.values()) {
                item.key.file.addWaiter(item, item.events & ~PRIVATE_BITS);
                if (!item.disabled() && (item.events & EPOLLET) == 0) {
                    enqueue(item); // a wait asks the file itself
                }
            }
        } finally {
            mu.unlock();
        }
    }

    static final Restorer<State, EpollFile> RESTORER =
            new Restorer<>() {
                @Override
                public EpollFile create(State state, RestoreContext context) {
                    return new EpollFile(state);
                }

                @Override
                public void link(EpollFile file, State state, RestoreContext context) {
                    file.restore(state, context);
                }
            };
}
