package dev.thaw.store;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which images of a store to keep. One that meets any of the criteria is kept, and so are its parents.
 *
 * @param keepLast the newest of all, this many; 0: none for that
 * @param keepWithin those not older than this; null: none for that
 * @param keepLabels those with any of these labels; an empty value stands for any value
 */
public record RetentionPolicy(
        int keepLast, @Nullable Duration keepWithin, Map<String, String> keepLabels) {

    public RetentionPolicy {
        if (keepLast < 0 || (keepWithin != null && keepWithin.isNegative())) {
            throw new IllegalArgumentException("a count or an age below zero");
        }
        if (keepLast == 0 && keepWithin == null && keepLabels.isEmpty()) {
            throw new IllegalArgumentException("a policy that keeps nothing");
        }
        keepLabels = Map.copyOf(keepLabels);
    }

    /** Those of {@code images} that are not kept, children before their parents. */
    public List<StoredImage> dispensable(List<StoredImage> images, Instant now) {
        List<StoredImage> newestFirst = new ArrayList<>(images);
        newestFirst.sort(
                Comparator.comparing((StoredImage image) -> image.manifest().created())
                        .thenComparing(StoredImage::id)
                        .reversed());
        Map<String, StoredImage> byId = new HashMap<>();
        newestFirst.forEach(image -> byId.put(image.id(), image));
        Set<String> kept = new HashSet<>();
        for (int i = 0; i < newestFirst.size(); i++) {
            StoredImage image = newestFirst.get(i);
            if (i < keepLast || isYoung(image, now) || isLabelled(image)) {
                keep(image, byId, kept);
            }
        }
        List<StoredImage> left = new ArrayList<>();
        for (StoredImage image : newestFirst) {
            if (!kept.contains(image.id())) {
                left.add(image);
            }
        }
        Map<String, Integer> depths = new HashMap<>();
        left.forEach(image -> depths.put(image.id(), depth(image, byId)));
        left.sort(
                Comparator.comparing((StoredImage image) -> depths.getOrDefault(image.id(), 0))
                        .reversed());
        return left;
    }

    /** How many ancestors an image has: a clock that was set back may have made it older than they are. */
    private static int depth(StoredImage image, Map<String, StoredImage> byId) {
        int depth = 0;
        StoredImage next = image;
        while (next != null && depth <= byId.size()) {
            String parent = next.manifest().parent();
            next = parent == null ? null : byId.get(parent);
            depth++;
        }
        return depth;
    }

    private boolean isYoung(StoredImage image, Instant now) {
        return keepWithin != null && !image.manifest().created().isBefore(now.minus(keepWithin));
    }

    private boolean isLabelled(StoredImage image) {
        for (Map.Entry<String, String> label : keepLabels.entrySet()) {
            String value = image.manifest().labels().get(label.getKey());
            if (value != null && (label.getValue().isEmpty() || label.getValue().equals(value))) {
                return true;
            }
        }
        return false;
    }

    private static void keep(StoredImage image, Map<String, StoredImage> byId, Set<String> kept) {
        StoredImage next = image;
        while (next != null && kept.add(next.id())) {
            String parent = next.manifest().parent();
            next = parent == null ? null : byId.get(parent);
        }
    }
}
