package dev.thaw.state.schema;

import dev.thaw.state.ImageException;
import dev.thaw.state.StateType;
import java.lang.reflect.AnnotatedParameterizedType;
import java.lang.reflect.AnnotatedType;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What one record type looks like in one version: {@code #0110 v1 (slots list<#0111>, umask int)}. */
public record RecordSchema(int id, int version, List<Component> components) {
    private static final int MAX_COMPONENTS = 255;
    private static final int MAX_NAME = 64;
    private static final int MAX_NESTED_LISTS = 4;

    /** The schema of a {@link StateType} class as it is now. */
    public static RecordSchema of(Class<? extends Record> type) {
        StateType annotation = type.getAnnotation(StateType.class);
        if (annotation == null) {
            throw new IllegalArgumentException(type.getName() + " is no @StateType");
        }
        List<Component> components = new ArrayList<>();
        for (RecordComponent component : type.getRecordComponents()) {
            String where = type.getName() + "." + component.getName();
            components.add(
                    new Component(
                            component.getName(),
                            kind(component.getAnnotatedType(), where),
                            isNullable(component.getAnnotatedType())));
        }
        return new RecordSchema(annotation.id(), annotation.version(), List.copyOf(components));
    }

    /** The components as one line of text. */
    public String signature() {
        StringBuilder text = new StringBuilder();
        for (Component component : components) {
            text.append(text.isEmpty() ? "" : ", ").append(component);
        }
        return text.toString();
    }

    /** The inverse of {@link #signature}; the text comes from an image, so anything may be in it. */
    public static RecordSchema parse(int id, int version, String signature) {
        List<Component> components = new ArrayList<>();
        if (!signature.isEmpty()) {
            for (String part : signature.split(", ", MAX_COMPONENTS + 1)) {
                int space = part.indexOf(' ');
                if (space <= 0 || space > MAX_NAME) {
                    throw bad(id, part);
                }
                String kind = part.substring(space + 1);
                boolean nullable = kind.endsWith("?");
                components.add(
                        new Component(
                                part.substring(0, space),
                                parseKind(
                                        id,
                                        nullable ? kind.substring(0, kind.length() - 1) : kind,
                                        0),
                                nullable));
            }
        }
        if (components.size() > MAX_COMPONENTS) {
            throw bad(id, components.size() + " components");
        }
        return new RecordSchema(id, version, List.copyOf(components));
    }

    private static Kind parseKind(int id, String text, int depth) {
        if (text.startsWith("list<") && text.endsWith(">") && depth < MAX_NESTED_LISTS) {
            String element = text.substring(5, text.length() - 1);
            boolean nullable = element.endsWith("?");
            return new Kind.ListOf(
                    parseKind(
                            id,
                            nullable ? element.substring(0, element.length() - 1) : element,
                            depth + 1),
                    nullable);
        }
        if (text.startsWith("#") && text.length() == 5) {
            try {
                return new Kind.Nested(Integer.parseInt(text.substring(1), 16));
            } catch (NumberFormatException e) {
                throw bad(id, text);
            }
        }
        for (Kind.Scalar scalar : Kind.Scalar.values()) {
            if (scalar.toString().equals(text)) {
                return scalar;
            }
        }
        throw bad(id, text);
    }

    private static ImageException bad(int id, String what) {
        return new ImageException(
                "bad schema of type #%04x".formatted(id) + ": " + printable(what));
    }

    private static String printable(String text) {
        String cut = text.length() > 40 ? text.substring(0, 40) + "…" : text;
        return cut.replaceAll("[^\\x20-\\x7e…]", "?");
    }

    private static boolean isNullable(AnnotatedType type) {
        return type.isAnnotationPresent(Nullable.class);
    }

    private static Kind kind(AnnotatedType annotated, String where) {
        Type type = annotated.getType();
        if (type == boolean.class || type == Boolean.class) {
            return Kind.Scalar.BOOLEAN;
        } else if (type == int.class || type == Integer.class) {
            return Kind.Scalar.INT;
        } else if (type == long.class || type == Long.class) {
            return Kind.Scalar.LONG;
        } else if (type == double.class || type == Double.class) {
            return Kind.Scalar.DOUBLE;
        } else if (type == String.class) {
            return Kind.Scalar.STRING;
        } else if (type == byte[].class) {
            return Kind.Scalar.BYTES;
        } else if (type == int[].class) {
            return Kind.Scalar.INTS;
        } else if (type == long[].class) {
            return Kind.Scalar.LONGS;
        } else if (type instanceof ParameterizedType parameterized
                && parameterized.getRawType() == List.class
                && annotated instanceof AnnotatedParameterizedType list) {
            AnnotatedType element = list.getAnnotatedActualTypeArguments()[0];
            return new Kind.ListOf(kind(element, where), isNullable(element));
        } else if (type instanceof Class<?> c
                && c.isRecord()
                && c.isAnnotationPresent(StateType.class)) {
            if (c.getRecordComponents().length == 0) {
                throw new IllegalArgumentException(
                        where + ": a nested state record needs a component");
            }
            return new Kind.Nested(c.getAnnotation(StateType.class).id());
        }
        throw new IllegalArgumentException(
                where + ": " + type.getTypeName() + " can not be image state");
    }

    @Override
    public String toString() {
        return "#%04x v%d (%s)".formatted(id, version, signature());
    }
}
