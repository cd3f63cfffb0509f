package dev.thaw.state;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Every record type an image may hold: objects with their restorer, plain values nested in them, and how to read what earlier releases wrote. */
public final class StateCatalog {
    /** One row: {@code restorer} is null for nested values. */
    public record Entry(Class<? extends Record> type, @Nullable Restorer<?, ?> restorer) {}

    private record OldVersion(int id, int version) {}

    private final Map<Integer, Entry> byId = new LinkedHashMap<>();
    private final Map<Class<?>, Integer> ids = new HashMap<>();
    private final Map<OldVersion, Function<OldRecord, ? extends Record>> upgrades = new HashMap<>();

    /** Adds an object type. */
    public <S extends Record, T extends Saveable> StateCatalog object(
            Class<S> type, Restorer<S, T> restorer) {
        return add(new Entry(type, restorer));
    }

    /** Adds a record that appears only inside others. */
    public StateCatalog value(Class<? extends Record> type) {
        return add(new Entry(type, null));
    }

    /** Says how to make today's {@code type} of what was written as version {@code oldVersion}. */
    public <S extends Record> StateCatalog upgrade(
            Class<S> type, int oldVersion, Function<OldRecord, S> upgrade) {
        upgrades.put(new OldVersion(idOf(type), oldVersion), upgrade);
        return this;
    }

    /**
     * As {@link #upgrade} for a version that differs by components only: those that were added get the values of {@code defaults} (may be null where the component may), those that were removed are
     * left out.
     */
    public <S extends Record> StateCatalog upgrade(
            Class<S> type, int oldVersion, Map<String, ?> defaults) {
        return upgrade(type, oldVersion, old -> old.convert(type, defaults));
    }

    /** The rows by wire id, in the order they were added. */
    public Map<Integer, Entry> entries() {
        return byId;
    }

    /** The upgrade from {@code oldVersion} of type {@code id}, or null. */
    public @Nullable Function<OldRecord, ? extends Record> upgradeOf(int id, int oldVersion) {
        return upgrades.get(new OldVersion(id, oldVersion));
    }

    /** The wire id of a catalogued type; IllegalArgumentException for others. */
    public int idOf(Class<?> type) {
        Integer id = ids.get(type);
        if (id == null) {
            throw new IllegalArgumentException(type.getName() + " is not in the state catalog");
        }
        return id;
    }

    private StateCatalog add(Entry entry) {
        StateType annotation = entry.type().getAnnotation(StateType.class);
        if (annotation == null) {
            throw new IllegalArgumentException(entry.type() + " is no @StateType");
        }
        if (annotation.id() < 0x0100 || annotation.id() > 0xffff || annotation.version() < 1) {
            throw new IllegalArgumentException("bad state id or version: " + entry.type());
        }
        if (byId.putIfAbsent(annotation.id(), entry) != null) {
            throw new IllegalArgumentException(
                    "state id #%04x is taken: %s"
                            .formatted(annotation.id(), entry.type().getName()));
        }
        ids.put(entry.type(), annotation.id());
        return this;
    }
}
