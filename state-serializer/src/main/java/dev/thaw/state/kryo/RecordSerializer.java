package dev.thaw.state.kryo;

import com.esotericsoftware.kryo.Kryo;
import com.esotericsoftware.kryo.Serializer;
import com.esotericsoftware.kryo.io.Input;
import com.esotericsoftware.kryo.io.Output;
import dev.thaw.state.ImageException;
import dev.thaw.state.schema.RecordSchema;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.AccessibleObject;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Writes and reads one record type as it is in this release: its components in declared order. */
final class RecordSerializer extends Serializer<Record> {
    private final Class<? extends Record> type;
    private final RecordSchema schema;
    private final ValueCodec values;
    private final MethodHandle constructor;
    private final MethodHandle[] accessors;

    RecordSerializer(Class<? extends Record> type, RecordSchema schema, ValueCodec values) {
        this.type = type;
        this.schema = schema;
        this.values = values;
        RecordComponent[] components = type.getRecordComponents();
        Class<?>[] parameters = Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            Constructor<?> canonical = open(type.getDeclaredConstructor(parameters));
            this.constructor =
                    lookup.unreflectConstructor(canonical)
                            .asSpreader(Object[].class, components.length)
                            .asType(MethodType.methodType(Record.class, Object[].class));
            this.accessors = new MethodHandle[components.length];
            for (int i = 0; i < components.length; i++) {
                Method accessor = open(components[i].getAccessor());
                accessors[i] = lookup.unreflect(accessor).asType(MethodType.methodType(Object.class, Record.class));
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
                value = (Object) accessors[i].invokeExact(record);
            } catch (Throwable t) {
                throw new IllegalStateException(type.getName(), t);
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
            return (Record) constructor.invokeExact(arguments);
        } catch (ImageException e) {
            throw e;
        } catch (RuntimeException e) {
            throw new ImageException(type.getName() + ": " + e.getMessage(), e);
        } catch (Throwable t) {
            throw new IllegalStateException(type.getName(), t);
        }
    }
}
