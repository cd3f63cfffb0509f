package dev.thaw.state;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A record as an earlier release wrote it: its components by name. Nested records in it are already upgraded. */
public record OldRecord(int id, int version, Map<String, @Nullable Object> values) {
    /** The component {@code name}; null when it was null or did not exist. */
    public @Nullable Object get(String name) {
        return values.get(name);
    }

    /** A {@code type} with this record's components by name, and those of {@code defaults} for what it has not. */
    <S extends Record> S convert(Class<S> type, Map<String, ?> defaults) {
        RecordComponent[] components = type.getRecordComponents();
        Class<?>[] parameters = new Class<?>[components.length];
        @Nullable Object[] arguments = new @Nullable Object[components.length];
        for (int i = 0; i < components.length; i++) {
            String name = components[i].getName();
            parameters[i] = components[i].getType();
            if (!values.containsKey(name) && !defaults.containsKey(name)) {
                throw new IllegalStateException(type.getName() + " needs a default for " + name);
            }
            arguments[i] = values.containsKey(name) ? values.get(name) : defaults.get(name);
        }
        try {
            Constructor<S> constructor = type.getDeclaredConstructor(parameters);
            constructor.setAccessible(true);
            return constructor.newInstance(arguments);
        } catch (IllegalArgumentException | InvocationTargetException e) {
            throw new ImageException(
                    "type #%04x v%d can not become that of this release".formatted(id, version), e);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(type.getName(), e);
        }
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
