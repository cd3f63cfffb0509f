package dev.thaw.state;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Every record type an image may hold: objects with their restorer, and plain values nested in them. */
public final class StateCatalog {
    /** One row: {@code restorer} is null for nested values. */
    public record Entry(Class<? extends Record> type, @Nullable Restorer<?, ?> restorer) {}

    private final Map<Integer, Entry> byId = new LinkedHashMap<>();

    /** Adds an object type. */
    public <S extends Record, T extends Saveable> StateCatalog object(Class<S> type, Restorer<S, T> restorer) {
        return add(new Entry(type, restorer));
    }

    /** Adds a record that appears only inside others. */
    public StateCatalog value(Class<? extends Record> type) {
        return add(new Entry(type, null));
    }

    /** The rows by wire id, in the order they were added. */
    public Map<Integer, Entry> entries() {
        return byId;
    }

    private StateCatalog add(Entry entry) {
        StateType annotation = entry.type().getAnnotation(StateType.class);
        if (annotation == null) {
            throw new IllegalArgumentException(entry.type() + " is no @StateType");
        }
        if (byId.putIfAbsent(annotation.id(), entry) != null) {
            throw new IllegalArgumentException("state id " + annotation.id() + " is taken: " + entry.type());
        }
        return this;
    }
}
