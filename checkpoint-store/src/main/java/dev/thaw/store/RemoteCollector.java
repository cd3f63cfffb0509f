package dev.thaw.store;

import dev.thaw.state.ImageException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * One collection of a remote store's garbage, beside any number of writers, readers and other collectors; no lock is needed.
 *
 * <p>A file that nothing names is marked dead, and removed by a later collection when it has been dead for the grace period. A draft relies only on files that were
 * not marked when it began, so its own mark was there before theirs; and this looks at drafts before it looks at images, so a draft that is gone is an image that
 * is seen. All times are the store's.
 */
final class RemoteCollector {
    /** A draft that gave no sign for so long is taken for dead. */
    static final Duration SILENCE = Duration.ofHours(1);

    private final ObjectStore objects;
    private final Duration grace;
    private final Duration silence;
    private final Set<String> named = new HashSet<>();
    private final List<String> problems = new ArrayList<>();
    private int removed;
    private long bytes;

    RemoteCollector(ObjectStore objects, Duration grace, Duration silence) {
        this.objects = objects;
        this.grace = grace;
        this.silence = silence;
    }

    Collected run() throws IOException {
        objects.put(RemoteNames.CLOCK, new byte[0]);
        ObjectStore.Stat clock = objects.stat(RemoteNames.CLOCK);
        if (clock == null) {
            throw new IOException(
                    objects.describe(RemoteNames.CLOCK) + " was put and is not there");
        }
        Instant now = clock.modified();
        Map<String, Instant> dead = new HashMap<>();
        for (ObjectStore.Stat mark : objects.list(RemoteNames.DEAD)) {
            dead.put(RemoteNames.name(mark.key()), mark.modified());
        }
        drafts(now.minus(silence));
        images();
        if (problems.isEmpty()) {
            files(dead, now.minus(grace));
        }
        objects.abandonUploads(now.minus(silence.plus(grace)));
        return new Collected(removed, bytes, 0, List.copyOf(problems));
    }

    private void drafts(Instant silentBefore) throws IOException {
        Map<String, Instant> beats = new HashMap<>();
        for (ObjectStore.Stat beat : objects.list(RemoteNames.BEATS)) {
            beats.put(RemoteNames.name(beat.key()), beat.modified());
        }
        for (ObjectStore.Stat draft : objects.list(RemoteNames.DRAFTS)) {
            String token = RemoteNames.name(draft.key());
            Instant last = beats.getOrDefault(token, draft.modified());
            if (last.isBefore(silentBefore)) {
                objects.delete(draft.key());
                objects.delete(RemoteNames.BEATS + token);
            } else {
                relyOn(draft, token);
            }
            beats.remove(token);
        }
        for (Map.Entry<String, Instant> orphan : beats.entrySet()) {
            if (orphan.getValue().isBefore(silentBefore)) {
                objects.delete(RemoteNames.BEATS + orphan.getKey());
            }
        }
    }

    private void relyOn(ObjectStore.Stat draft, String token) throws IOException {
        try {
            byte[] names = objects.get(RemoteNames.BEATS + token, RemoteNames.MAX_BEAT);
            named.addAll(new String(names, StandardCharsets.UTF_8).lines().toList());
        } catch (NoSuchFileException e) {
            if (objects.stat(draft.key()) != null) {
                problems.add("nothing is removed, since a checkpoint is just beginning");
            }
        }
    }

    private void images() throws IOException {
        for (ObjectStore.Stat image : objects.list(RemoteNames.IMAGES)) {
            try {
                byte[] text = objects.get(image.key(), RemoteNames.MAX_MANIFEST);
                Manifest manifest =
                        ManifestJson.decode(text, objects.describe(image.key())).manifest();
                named.add(manifest.meta().name());
                named.add(manifest.chunks().name());
                manifest.packs().forEach(pack -> named.add(pack.name()));
            } catch (NoSuchFileException e) {
                // deleted this moment
            } catch (ImageException e) {
                problems.add(
                        "nothing is removed, since what it names is not known: " + e.getMessage());
            }
        }
    }

    private void files(Map<String, Instant> dead, Instant deadBefore) throws IOException {
        for (ObjectStore.Stat file : objects.list(RemoteNames.FILES)) {
            String name = RemoteNames.name(file.key());
            String mark = RemoteNames.DEAD + name;
            Instant since = dead.remove(name);
            if (named.contains(name)) {
                if (since != null) {
                    objects.delete(mark);
                }
            } else if (since == null) {
                objects.put(mark, new byte[0]);
            } else if (!since.isAfter(deadBefore)) {
                ObjectStore.Stat still =
                        objects.stat(mark); // another collector may have found it in use
                if (still != null && still.modified().equals(since)) {
                    objects.delete(file.key());
                    objects.delete(mark);
                    removed++;
                    bytes += file.size();
                }
            }
        }
        for (String gone : dead.keySet()) {
            objects.delete(RemoteNames.DEAD + gone);
        }
    }
}
