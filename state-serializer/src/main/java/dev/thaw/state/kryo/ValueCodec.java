package dev.thaw.state.kryo;

import com.esotericsoftware.kryo.io.Input;
import com.esotericsoftware.kryo.io.Output;
import dev.thaw.state.schema.Component;
import dev.thaw.state.schema.Kind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Writes and reads values by their {@link Kind}. A nullable value is preceded by a byte that says whether there is one. */
abstract class ValueCodec {
    /** About what an object takes beside its content, and a place in a list. */
    static final int OBJECT = 24;

    static final int LIST = 48;
    static final int ELEMENT = 8;

    /** Takes note that what is read next takes {@code bytes} of memory. */
    void charge(long bytes) {}

    /** Writes a nested record of type {@code typeId}. */
    abstract void writeNested(Output out, int typeId, Object record);

    /** Reads a nested record of type {@code typeId}. */
    abstract Object readNested(Input in, int typeId);

    final void writeComponent(
            Output out, Component component, @Nullable Object value, Class<?> owner) {
        if (component.nullable()) {
            out.writeBoolean(value != null);
            if (value == null) {
                return;
            }
        } else if (value == null) {
            throw new IllegalStateException(
                    owner.getName() + "." + component.name() + " is null but not @Nullable");
        }
        write(out, component.kind(), value);
    }

    final @Nullable Object readComponent(Input in, Component component) {
        if (component.nullable() && !Wire.readBoolean(in)) {
            return null;
        }
        return read(in, component.kind());
    }

    private void write(Output out, Kind kind, Object value) {
        switch (kind) {
            case Kind.Scalar scalar -> writeScalar(out, scalar, value);
            case Kind.Nested nested -> writeNested(out, nested.typeId(), value);
            case Kind.ListOf list -> {
                List<?> elements = (List<?>) value;
                out.writeVarInt(elements.size(), true);
                for (Object element : elements) {
                    if (list.nullableElement()) {
                        out.writeBoolean(element != null);
                        if (element == null) {
                            continue;
                        }
                    }
                    write(out, list.element(), element);
                }
            }
        }
    }

    private static void writeScalar(Output out, Kind.Scalar scalar, Object value) {
        switch (scalar) {
            case BOOLEAN -> out.writeBoolean((boolean) value);
            case INT -> out.writeVarInt((int) value, false);
            case LONG -> out.writeVarLong((long) value, false);
            case DOUBLE -> out.writeDouble((double) value);
            case STRING -> Wire.writeString(out, (String) value);
            case BYTES -> Wire.writeBytes(out, (byte[]) value);
            case INTS -> Wire.writeInts(out, (int[]) value);
            case LONGS -> Wire.writeLongs(out, (long[]) value);
        }
    }

    private Object read(Input in, Kind kind) {
        return switch (kind) {
            case Kind.Scalar scalar -> readScalar(in, scalar);
            case Kind.Nested nested -> readNested(in, nested.typeId());
            case Kind.ListOf list -> {
                int count = Wire.readCount(in, 1);
                charge(LIST + (long) count * ELEMENT);
                List<@Nullable Object> elements = new ArrayList<>(count);
                for (int i = 0; i < count; i++) {
                    elements.add(
                            list.nullableElement() && !Wire.readBoolean(in)
                                    ? null
                                    : read(in, list.element()));
                }
                yield Collections.unmodifiableList(elements);
            }
        };
    }

    private Object readScalar(Input in, Kind.Scalar scalar) {
        charge(OBJECT);
        return switch (scalar) {
            case BOOLEAN -> Wire.readBoolean(in);
            case INT -> in.readVarInt(false);
            case LONG -> in.readVarLong(false);
            case DOUBLE -> in.readDouble();
            case STRING -> Wire.readString(in);
            case BYTES -> Wire.readBytes(in);
            case INTS -> Wire.readInts(in);
            case LONGS -> Wire.readLongs(in);
        };
    }
}
