package dev.thaw.state.kryo;

import com.esotericsoftware.kryo.Kryo;
import com.esotericsoftware.kryo.Serializer;
import com.esotericsoftware.kryo.io.Input;
import com.esotericsoftware.kryo.io.Output;
import dev.thaw.state.ImageException;
import dev.thaw.state.schema.RecordSchema;
import java.lang.reflect.AccessibleObject;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Writes and reads one record type as it is in this release: its components in declared order.
 *
 * <p>By reflection, not method handles: a sandbox does this once or twice in its life, and a handle for each component costs more to make (180 ms for 60 types, measured; 10 ms by
 * reflection under {@code -Djdk.reflect.useNativeAccessorOnly=true}) than it ever saves.
 */
final class RecordSerializer extends Serializer<Record> {
    private final Class<? extends Record> type;
    private final RecordSchema schema;
    private final ValueCodec values;
    private final Constructor<? extends Record> constructor;
    private final Method[] accessors;

    RecordSerializer(Class<? extends Record> type, RecordSchema schema, ValueCodec values) {
        this.type = type;
        this.schema = schema;
        this.values = values;
        RecordComponent[] components = type.getRecordComponents();
        Class<?>[] parameters =
                Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
        try {
            this.constructor = open(type.getDeclaredConstructor(parameters));
            this.accessors = new Method[components.length];
            for (int i = 0; i < components.length; i++) {
                accessors[i] = open(components[i].getAccessor());
            }
        } catch (ReflectiveOperationException e) {
            throw new IllegalArgumentException(type.getName() + " can not be encoded", e);
        }
    }

    private static <T extends AccessibleObject> T open(T member) {
        member.setAccessible(true);
        return member;
    }

    RecordSchema schema() {
        return schema;
    }

    @Override
    public void write(Kryo kryo, Output out, Record record) {
        for (int i = 0; i < accessors.length; i++) {
            Object value;
            try {
                value = accessors[i].invoke(record);
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(type.getName(), e);
            }
            values.writeComponent(out, schema.components().get(i), value, type);
        }
    }

    @Override
    public Record read(Kryo kryo, Input in, Class<? extends Record> wanted) {
        @Nullable Object[] arguments = new @Nullable Object[accessors.length];
        for (int i = 0; i < arguments.length; i++) {
            arguments[i] = values.readComponent(in, schema.components().get(i));
        }
        try {
            return constructor.newInstance(arguments);
        } catch (InvocationTargetException e) {
            Throwable cause = e.getCause();
            if (cause instanceof ImageException refusal) {
                throw refusal;
            } else if (cause instanceof RuntimeException) {
                throw new ImageException(type.getName() + ": " + cause.getMessage(), cause);
            }
            throw new IllegalStateException(type.getName(), e);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(type.getName(), e);
        }
    }
}
