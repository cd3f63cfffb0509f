package dev.thaw.store;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Tells collectors anywhere that an image is being made, and what it relies on. Put it before looking at what the store has. A collector that takes its maker for
 * dead removes the mark before it removes anything else, so a maker whose mark is there after its manifest was put has lost nothing.
 */
final class RemoteMark implements AutoCloseable {
    private final ObjectStore objects;
    private final String token = UUID.randomUUID().toString();
    private final CountDownLatch closed = new CountDownLatch(1);
    private @Nullable Thread beater;

    RemoteMark(ObjectStore objects) throws IOException {
        this.objects = objects;
        objects.put(RemoteNames.DRAFTS + token, new byte[0]);
    }

    /** Says what the draft relies on, now and every few minutes until it is closed. */
    void relyOn(Collection<String> names) throws IOException {
        Set<String> sorted = new TreeSet<>(names);
        byte[] content = String.join("\n", sorted).getBytes(StandardCharsets.UTF_8);
        objects.put(RemoteNames.BEATS + token, content);
        beater = Thread.ofVirtual().name("beat-" + token).start(() -> beat(content));
    }

    private void beat(byte[] content) {
        try {
            while (!closed.await(RemoteNames.BEAT.toSeconds(), TimeUnit.SECONDS)) {
                try {
                    objects.put(RemoteNames.BEATS + token, content);
                } catch (IOException e) {
                    // the next one may arrive; if none does, isThere() tells of it
                }
            }
        } catch (InterruptedException e) {
            // as good as closed
        }
    }

    /** Whether nobody has taken the maker for dead. */
    boolean isThere() throws IOException {
        return objects.stat(RemoteNames.DRAFTS + token) != null;
    }

    @Override
    public void close() {
        closed.countDown();
        try {
            if (beater != null) {
                beater.join();
            }
            objects.delete(RemoteNames.BEATS + token);
            objects.delete(RemoteNames.DRAFTS + token);
        } catch (IOException e) {
            // a collector removes it in time
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
