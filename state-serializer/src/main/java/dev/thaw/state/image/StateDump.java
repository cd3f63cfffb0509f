package dev.thaw.state.image;

import dev.thaw.state.OldRecord;
import dev.thaw.state.kryo.RecordDecoder;
import java.io.IOException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** Shows a state blob as JSON, by the schema that it carries: also of a release that is long gone. */
public final class StateDump {
    private static final int INDENT = 2;

    /** Writes the objects of raw state {@code blob} to {@code out}. {@code typeNames} may give a type a name, or null. */
    public static void write(byte[] blob, IntFunction<@Nullable String> typeNames, Appendable out)
            throws IOException {
        RecordDecoder.Decoded<OldRecord> decoded = RecordDecoder.decodeGeneric(blob);
        out.append("{\n  \"roots\" : ");
        value(decoded.roots(), typeNames, out, 1);
        out.append(",\n  \"objects\" : [");
        int id = 0;
        for (OldRecord object : decoded.objects()) {
            out.append(id == 0 ? "\n    " : ",\n    ")
                    .append("{ \"object\" : ")
                    .append(Integer.toString(++id))
                    .append(", ");
            record(object, typeNames, out, 2);
        }
        out.append("\n  ]\n}\n");
    }

    /** One value, also a record, as it is written. */
    public static String text(@Nullable Object part) {
        StringBuilder out = new StringBuilder();
        try {
            value(part, _ -> null, out, 0);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return out.toString();
    }

    /** The members of an object whose brace is open. */
    private static void record(
            OldRecord record, IntFunction<@Nullable String> names, Appendable out, int depth)
            throws IOException {
        String name = names.apply(record.id());
        out.append("\"type\" : ");
        text(name != null ? name : "#%04x".formatted(record.id()), out);
        out.append(", \"version\" : ").append(Integer.toString(record.version()));
        for (Map.Entry<String, @Nullable Object> component : record.values().entrySet()) {
            out.append(",\n").append(" ".repeat((depth + 1) * INDENT));
            text(component.getKey(), out);
            out.append(" : ");
            value(component.getValue(), names, out, depth + 1);
        }
        out.append(" }");
    }

    private static void value(
            @Nullable Object value, IntFunction<@Nullable String> names, Appendable out, int depth)
            throws IOException {
        switch (value) {
            case null -> out.append("null");
            case String s -> text(s, out);
            case byte[] bytes -> text(HexFormat.of().formatHex(bytes), out);
            case int[] ints -> {
                out.append('[');
                for (int i = 0; i < ints.length; i++) {
                    out.append(i == 0 ? "" : ", ").append(Integer.toString(ints[i]));
                }
                out.append(']');
            }
            case long[] longs -> {
                out.append('[');
                for (int i = 0; i < longs.length; i++) {
                    out.append(i == 0 ? "" : ", ").append(Long.toString(longs[i]));
                }
                out.append(']');
            }
            case List<?> list -> {
                out.append('[');
                String separator = "";
                for (Object element : list) {
                    out.append(separator);
                    value(element, names, out, depth + 1);
                    separator = ", ";
                }
                out.append(']');
            }
            case OldRecord record -> {
                out.append("{ ");
                record(record, names, out, depth);
            }
            default -> out.append(String.valueOf(value)); // numbers and truth values
        }
    }

    private static void text(String text, Appendable out) throws IOException {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < 0x20 || c > 0x7e) {
                out.append("\\u%04x".formatted((int) c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }

    private StateDump() {}
}
