package dev.thaw.store.diff;

import dev.thaw.state.OldRecord;
import dev.thaw.state.image.StateDump;
import dev.thaw.store.diff.ImageDiff.Change;
import dev.thaw.store.diff.ImageDiff.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Compares kernel objects. They have no identity beyond one image, so equal ones are paired first, then those of one type in their order. Ids of other objects count as
 * values: an object may differ only because others were numbered differently.
 */
final class ObjectDiff {
    /** An object and the number it has in its image. */
    private record Numbered(int id, OldRecord object) {}

    static List<Change> of(
            List<OldRecord> before, List<OldRecord> after, IntFunction<@Nullable String> names) {
        Map<Integer, List<Numbered>> old = unpaired(before, after);
        Map<Integer, List<Numbered>> now = unpaired(after, before);
        Map<Integer, List<Numbered>> types = new TreeMap<>(old);
        types.putAll(now);
        List<Change> changes = new ArrayList<>();
        for (int type : types.keySet()) {
            String name = names.apply(type);
            compare(
                    name != null ? name : "#%04x".formatted(type),
                    old.getOrDefault(type, List.of()),
                    now.getOrDefault(type, List.of()),
                    changes);
        }
        return changes;
    }

    /** The objects of {@code these} without an equal in {@code others}, by type. */
    private static Map<Integer, List<Numbered>> unpaired(
            List<OldRecord> these, List<OldRecord> others) {
        Map<String, Integer> left = new HashMap<>();
        for (OldRecord other : others) {
            left.merge(StateDump.text(other), 1, Integer::sum);
        }
        Map<Integer, List<Numbered>> result = new HashMap<>();
        for (int i = 0; i < these.size(); i++) {
            OldRecord object = these.get(i);
            String text = StateDump.text(object);
            int count = left.getOrDefault(text, 0);
            if (count > 0) {
                left.put(text, count - 1);
            } else {
                result.computeIfAbsent(object.id(), _ -> new ArrayList<>())
                        .add(new Numbered(i + 1, object));
            }
        }
        return result;
    }

    private static void compare(
            String type, List<Numbered> before, List<Numbered> after, List<Change> changes) {
        Deque<Numbered> rest = new ArrayDeque<>(after);
        for (Numbered old : before) {
            Numbered now = rest.poll();
            if (now == null) {
                changes.add(new Change(Kind.REMOVED, type + " object " + old.id));
            } else {
                String which =
                        old.id == now.id
                                ? " object " + old.id
                                : " object " + old.id + " (now " + now.id + ")";
                changes.add(
                        new Change(
                                Kind.CHANGED,
                                type + which + ": " + components(old.object, now.object)));
            }
        }
        for (Numbered now : rest) {
            changes.add(new Change(Kind.ADDED, type + " object " + now.id));
        }
    }

    private static String components(OldRecord before, OldRecord after) {
        List<String> names = new ArrayList<>();
        Map<String, @Nullable Object> all = new TreeMap<>(before.values());
        all.putAll(after.values());
        for (String name : all.keySet()) {
            if (!StateDump.text(before.get(name)).equals(StateDump.text(after.get(name)))) {
                names.add(name);
            }
        }
        return String.join(", ", names);
    }

    private ObjectDiff() {}
}
