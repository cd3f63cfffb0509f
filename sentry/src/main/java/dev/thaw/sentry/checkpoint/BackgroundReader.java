package dev.thaw.sentry.checkpoint;

import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.state.ImageException;
import dev.thaw.state.image.ImageFormat;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/**
 * Reads what a restore left for later, so that the image is not needed any more. A chunk at a time, with a rest as long as the work after each: a guest that touches a page waits for one chunk at
 * most. Only on request: an idle clone that reads nothing shares more.
 */
public final class BackgroundReader implements Runnable {
    private static final System.Logger LOG = System.getLogger("dev.thaw.sentry.checkpoint");
    private static final long LONGEST_REST = 20_000_000;

    private final MemoryFile memory;
    private final AtomicBoolean started = new AtomicBoolean();

    public BackgroundReader(MemoryFile memory) {
        this.memory = memory;
    }

    /** Begins, once. */
    public void start() {
        if (memory.isLazy() && !started.getAndSet(true)) {
            Thread.ofPlatform().name("image-reader").daemon().start(this);
        }
    }

    @Override
    public void run() {
        try {
            for (long at = memory.nextLazy(0); at >= 0; at = memory.nextLazy(at)) {
                long start = System.nanoTime();
                long end = (at & -ImageFormat.CHUNK) + ImageFormat.CHUNK;
                memory.load(at, end - at);
                LockSupport.parkNanos(Math.min(System.nanoTime() - start, LONGEST_REST));
            }
        } catch (ImageException e) {
            // who touches the page is told again, as if nothing had been read ahead
            LOG.log(System.Logger.Level.WARNING, "reading ahead ends: {0}", e.getMessage());
        }
    }
}
