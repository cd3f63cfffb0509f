package dev.thaw.state;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A record as an earlier release wrote it: its components by name. Nested records in it are already upgraded. */
public record OldRecord(int id, int version, Map<String, @Nullable Object> values) {
    /** The component {@code name}; null when it was null or did not exist. */
    public @Nullable Object get(String name) {
        return values.get(name);
    }

    public int getInt(String name) {
        return need(name, Integer.class);
    }

    public long getLong(String name) {
        return need(name, Long.class);
    }

    public boolean getBoolean(String name) {
        return need(name, Boolean.class);
    }

    public String getString(String name) {
        return need(name, String.class);
    }

    /** The component {@code name}, which must be a {@code type}. */
    public <T> T need(String name, Class<T> type) {
        Object value = values.get(name);
        if (!type.isInstance(value)) {
            throw new ImageException(
                    "type #%04x v%d has no %s %s"
                            .formatted(id, version, type.getSimpleName(), name));
        }
        return type.cast(value);
    }
}
