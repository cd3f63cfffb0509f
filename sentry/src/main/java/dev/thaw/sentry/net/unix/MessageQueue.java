package dev.thaw.sentry.net.unix;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.net.SocketFile.Received;
import dev.thaw.sentry.wait.WaitQueue;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What waits to be received by one socket. Guest memory is copied with the lock held when reading (as with pipes, the lock stands before memory management), and before it is taken when
 * writing.
 */
final class MessageQueue {
    private final KernelLock mu = new KernelLock(LockClass.PIPE);

    @GuardedBy("mu")
    private final ArrayDeque<Message> messages = new ArrayDeque<>(4);

    /** Those who wait to add something. */
    final WaitQueue writers = new WaitQueue();

    // Written with mu held.
    private volatile int cost;
    private volatile int bytes;
    private volatile int size;
    private volatile boolean closed;

    /** Booked bytes, with what each packet costs. */
    int cost() {
        return cost;
    }

    /** Bytes to be read. */
    int bytes() {
        return bytes;
    }

    int size() {
        return size;
    }

    /** The length of the first packet, for FIONREAD on packet sockets. */
    int firstLength() {
        mu.lock();
        try {
            Message first = messages.peek();
            return first == null ? 0 : first.data.length - first.position;
        } finally {
            mu.unlock();
        }
    }

    /** Adds {@code message}; false when the queue is closed. */
    boolean add(Message message) {
        mu.lock();
        try {
            if (closed) {
                return false;
            }
            messages.add(message);
            cost += message.cost();
            bytes += message.data.length - message.position;
            size++;
            return true;
        } finally {
            mu.unlock();
        }
    }

    /** Reads bytes of consecutive messages, up to and with the first that carries rights; with {@code sameSender}, only those of one sender. -1 when empty. */
    long readStream(IoBuffer target, boolean peek, boolean sameSender, Received received)
            throws ErrnoException {
        long done = 0;
        boolean freed = false;
        mu.lock();
        try {
            if (messages.isEmpty()) {
                return -1;
            }
            Message sender = null;
            List<Message> passed = peek ? new ArrayList<>(messages) : List.of();
            int next = 0;
            while (target.remaining() > 0) {
                Message message =
                        peek ? next < passed.size() ? passed.get(next++) : null : messages.peek();
                if (message == null
                        || (sender != null && sameSender && !sameSender(sender, message))) {
                    break;
                }
                int length =
                        (int) Math.min(target.remaining(), message.data.length - message.position);
                long copied;
                try {
                    copied = length == 0 ? 0 : target.put(message.data, message.position, length);
                } catch (ErrnoException e) {
                    if (done > 0) {
                        break;
                    }
                    throw e;
                }
                if (sender == null) {
                    received.credentials = new int[] {message.pid, message.uid, message.gid};
                }
                sender = message;
                done += copied;
                boolean carriesRights = !message.rights.isEmpty();
                if (carriesRights) {
                    received.rights = peek ? message.peekRights() : message.takeRights();
                }
                if (!peek) {
                    message.position += (int) copied;
                    bytes -= (int) copied;
                    if (message.position == message.data.length) {
                        messages.remove();
                        cost -= message.cost();
                        size--;
                        freed = true;
                    }
                }
                if (carriesRights || copied < length) {
                    break;
                }
            }
        } finally {
            mu.unlock();
        }
        if (freed) {
            writers.notify(dev.thaw.abi.Poll.POLLOUT | dev.thaw.abi.Poll.POLLWRNORM);
        }
        return done;
    }

    private static boolean sameSender(Message a, Message b) {
        return a.pid == b.pid && a.uid == b.uid && a.gid == b.gid;
    }

    /** Reads the first message, what does not fit is lost. Returns the whole length, with the copied one in {@code copied[0]}; -1 when empty. */
    long readPacket(IoBuffer target, boolean peek, Received received, long[] copied)
            throws ErrnoException {
        Message message;
        mu.lock();
        try {
            message = messages.peek();
            if (message == null) {
                return -1;
            }
            long length = Math.min(target.remaining(), message.data.length);
            copied[0] = length == 0 ? 0 : target.put(message.data, 0, (int) length);
            received.credentials = new int[] {message.pid, message.uid, message.gid};
            received.address = UnixAddress.format(message.source);
            received.rights = peek ? message.peekRights() : message.takeRights();
            if (!peek) {
                messages.remove();
                cost -= message.cost();
                bytes -= message.data.length;
                size--;
            }
        } finally {
            mu.unlock();
        }
        if (!peek) {
            writers.notify(dev.thaw.abi.Poll.POLLOUT | dev.thaw.abi.Poll.POLLWRNORM);
        }
        return message.data.length;
    }

    /** Takes everything; nothing can be added any more. Returns what was there, for the caller to discard without a lock. */
    List<Message> close() {
        mu.lock();
        try {
            closed = true;
            List<Message> left = new ArrayList<>(messages);
            messages.clear();
            cost = 0;
            bytes = 0;
            size = 0;
            return left;
        } finally {
            mu.unlock();
        }
    }

    /** A copy of the list, while the kernel is paused. */
    List<Message> snapshot() {
        mu.lock();
        try {
            return new ArrayList<>(messages);
        } finally {
            mu.unlock();
        }
    }

    @Nullable Message peekFirst() {
        mu.lock();
        try {
            return messages.peek();
        } finally {
            mu.unlock();
        }
    }
}
