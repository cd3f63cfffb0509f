package dev.thaw.platform.stub;

import static dev.thaw.abi.Sysno.SYS_read;
import static dev.thaw.abi.Sysno.SYS_write;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.host.HostFiles;
import dev.thaw.host.HostMemory;
import dev.thaw.host.HostProcess;
import dev.thaw.host.HostSockets;
import dev.thaw.host.NativeFiles;
import dev.thaw.host.RawSyscall;
import dev.thaw.platform.PlatformException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The fork server: a pristine stub process that never runs guest code and forks the stub process of each address space. It ends when the Sentry's end of its
 * socket does, and its children by their parent-death signal, so no stub outlives the sandbox process however that dies.
 */
public final class ForkServer implements AutoCloseable {
    private static final int SLOTS = 1 << 15;
    private static final int SOCK_SEQPACKET = 5;
    private static final int NOBODY = 65534;

    private final ReentrantLock mu = new ReentrantLock();
    private final int pid;
    private final int socket;
    private final int contexts;
    private final MemorySegment message = Arena.ofAuto().allocate(8, 8);

    @GuardedBy("mu")
    private final BitSet slots = new BitSet();

    /** Where to look for a free slot: one just freed rests, since its process may take a moment to die. */
    @GuardedBy("mu")
    private int next;

    @GuardedBy("mu")
    private boolean closed;

    private ForkServer(int pid, int socket, int contexts) {
        this.pid = pid;
        this.socket = socket;
        this.contexts = contexts;
    }

    /** Starts one. {@code traceable} keeps the user and lets the Sentry trace the stubs. */
    public static ForkServer start(int memoryFd, boolean traceable) throws PlatformException {
        int uid = Integer.getInteger("thaw.stub.uid", traceable || !root() ? 0 : NOBODY);
        int contexts =
                check(
                        "memfd_create",
                        HostMemory.memfd("thaw-contexts", SLOTS * StubAbi.REGION_SIZE));
        int[] pair = new int[2];
        check("socketpair", HostSockets.socketpair(SOCK_SEQPACKET, pair));
        String[] argv = {
            "thaw-stub",
            Integer.toString(uid),
            traceable ? "1" : "0",
            Integer.toString(memoryFd),
            Integer.toString(contexts),
            Integer.toString(pair[1])
        };
        int pid =
                HostProcess.spawn(
                        NativeFiles.path("thaw-stub").toString(),
                        argv,
                        new String[0],
                        0,
                        1,
                        2,
                        memoryFd,
                        contexts,
                        pair[1]);
        HostFiles.close(pair[1]);
        check("starting the stub", pid);
        ForkServer server = new ForkServer(pid, pair[0], contexts);
        if (server.receive() != 0) {
            server.close();
            throw new PlatformException(
                    "the stub does not start: this host lacks what it needs, or another program lies at its address");
        }
        return server;
    }

    private static boolean root() {
        return RawSyscall.call(dev.thaw.abi.Sysno.SYS_geteuid, 0, 0, 0, 0, 0, 0) == 0;
    }

    private static int check(String what, int result) throws PlatformException {
        if (result < 0) {
            throw new PlatformException(what + " failed: errno " + -result);
        }
        return result;
    }

    /** Makes the stub process of a new address space. */
    public StubProcess fork() throws PlatformException {
        mu.lock();
        try {
            if (closed) {
                throw new PlatformException("the platform is closed");
            }
            int slot = slots.nextClearBit(next);
            if (slot >= SLOTS) {
                slot = slots.nextClearBit(0);
            }
            if (slot >= SLOTS) {
                throw new PlatformException("too many address spaces");
            }
            next = slot + 1;
            message.set(JAVA_INT, 0, slot);
            long sent = RawSyscall.call(SYS_write, socket, message.address(), 4, 0, 0, 0);
            int child = sent == 4 ? receive() : -1;
            if (child <= 0) {
                throw new PlatformException("the fork server can not fork: errno " + -child);
            }
            long address =
                    HostMemory.mapShared(contexts, slot * StubAbi.REGION_SIZE, StubAbi.REGION_SIZE);
            if (address < 0) {
                HostProcess.kill(child, 9);
                throw new PlatformException(
                        "no room for the contexts of an address space: errno " + -address);
            }
            slots.set(slot);
            return new StubProcess(
                    this, slot, child, HostMemory.segment(address, StubAbi.REGION_SIZE), contexts);
        } finally {
            mu.unlock();
        }
    }

    /** Takes back the region of an ended stub process. */
    void release(int slot) {
        HostMemory.punch(contexts, slot * StubAbi.REGION_SIZE, StubAbi.REGION_SIZE);
        mu.lock();
        try {
            slots.clear(slot);
        } finally {
            mu.unlock();
        }
    }

    private int receive() {
        long got = RawSyscall.call(SYS_read, socket, message.address(), 4, 0, 0, 0);
        return got == 4 ? message.get(JAVA_INT, 0) : -1;
    }

    private boolean isClosed() {
        mu.lock();
        try {
            return closed;
        } finally {
            mu.unlock();
        }
    }

    /** Has {@code action} run when the fork server ends though nobody closed it. */
    public void whenLost(Runnable action) {
        Thread.ofPlatform()
                .name("stub-watch")
                .daemon()
                .start(
                        () -> {
                            HostProcess.awaitEnd(pid);
                            if (!isClosed()) {
                                action.run();
                            }
                        });
    }

    @Override
    public void close() {
        mu.lock();
        try {
            if (!closed) {
                closed = true;
                HostFiles.close(socket);
                HostFiles.close(contexts);
                HostProcess.waitpid(pid, 0, new int[1]);
            }
        } finally {
            mu.unlock();
        }
    }
}
