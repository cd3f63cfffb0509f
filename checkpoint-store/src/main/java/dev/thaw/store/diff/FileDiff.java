package dev.thaw.store.diff;

import dev.thaw.state.OldRecord;
import dev.thaw.state.image.StateDump;
import dev.thaw.store.diff.ImageDiff.Change;
import dev.thaw.store.diff.ImageDiff.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Compares the files of file systems that live in memory. They are found by the shape of their records, so that images of every release can be compared: a directory has components {@code names} and
 * {@code inodes}, an inode has {@code attributes}, and a file has a {@code cache} with a {@code size}.
 */
final class FileDiff {
    private final List<OldRecord> objects;
    private final Map<String, String> files = new TreeMap<>();

    private FileDiff(List<OldRecord> objects) {
        this.objects = objects;
    }

    static List<Change> of(List<OldRecord> before, List<OldRecord> after) {
        Map<String, String> old = new FileDiff(before).list();
        Map<String, String> now = new FileDiff(after).list();
        Map<String, String> all = new TreeMap<>(old);
        all.putAll(now);
        List<Change> changes = new ArrayList<>();
        for (String path : all.keySet()) {
            String was = old.get(path);
            String is = now.get(path);
            if (was == null) {
                changes.add(new Change(Kind.ADDED, path));
            } else if (is == null) {
                changes.add(new Change(Kind.REMOVED, path));
            } else if (!was.equals(is)) {
                changes.add(new Change(Kind.CHANGED, path));
            }
        }
        return changes;
    }

    private record Directory(int id, String path) {}

    /** Path and attributes of each file; paths begin with the number of their file system's root, counted. */
    private Map<String, String> list() {
        Set<Integer> children = new HashSet<>();
        for (OldRecord object : objects) {
            for (int child : inodes(object)) {
                children.add(child);
            }
        }
        Deque<Directory> queue = new ArrayDeque<>();
        int roots = 0;
        for (int id = 1; id <= objects.size(); id++) {
            if (isDirectory(objects.get(id - 1)) && !children.contains(id)) {
                queue.add(new Directory(id, "fs" + ++roots + ":"));
            }
        }
        Set<Integer> seen = new HashSet<>(); // a forged image may hold a circle
        while (!queue.isEmpty()) {
            Directory directory = queue.remove();
            OldRecord object = objects.get(directory.id - 1);
            if (!seen.add(directory.id) || !(object.get("names") instanceof List<?> names)) {
                continue;
            }
            int[] inodes = inodes(object);
            for (int i = 0; i < Math.min(inodes.length, names.size()); i++) {
                String path = directory.path + "/" + names.get(i);
                OldRecord inode = object(inodes[i]);
                if (inode != null && files.putIfAbsent(path, describe(inode)) == null) {
                    if (isDirectory(inode)) {
                        queue.add(new Directory(inodes[i], path));
                    }
                }
            }
        }
        return files;
    }

    private String describe(OldRecord inode) {
        OldRecord cache = inode.get("cache") instanceof Integer id ? object(id) : null;
        String attributes =
                inode.get("attributes") instanceof OldRecord record
                        ? StateDump.text(record.get("mode"))
                                + StateDump.text(record.get("uid"))
                                + StateDump.text(record.get("gid"))
                                + StateDump.text(record.get("mtime"))
                        : "";
        return inode.id()
                + " "
                + attributes
                + " "
                + (cache == null ? "" : StateDump.text(cache.get("size")))
                + " "
                + StateDump.text(inode.get("target"));
    }

    private @Nullable OldRecord object(int id) {
        return id >= 1 && id <= objects.size() ? objects.get(id - 1) : null;
    }

    private static boolean isDirectory(OldRecord object) {
        return object.get("names") instanceof List<?> && object.get("inodes") instanceof int[];
    }

    private static int[] inodes(OldRecord object) {
        return isDirectory(object) && object.get("inodes") instanceof int[] inodes
                ? inodes
                : new int[0];
    }
}
