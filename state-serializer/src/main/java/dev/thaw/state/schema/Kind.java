package dev.thaw.state.schema;

/** The type of a record component on the wire. */
public sealed interface Kind {
    /** A value without structure. */
    enum Scalar implements Kind {
        BOOLEAN("boolean", 1),
        INT("int", 1),
        LONG("long", 1),
        DOUBLE("double", 8),
        STRING("string", 1),
        BYTES("bytes", 1),
        INTS("ints", 1),
        LONGS("longs", 1);

        private final String text;
        private final int minBytes;

        Scalar(String text, int minBytes) {
            this.text = text;
            this.minBytes = minBytes;
        }

        /** The fewest bytes that a value takes. */
        public int minBytes() {
            return minBytes;
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /** A nested record, by its type id; encoded in line. */
    record Nested(int typeId) implements Kind {
        @Override
        public String toString() {
            return "#%04x".formatted(typeId);
        }
    }

    /** A counted list. */
    record ListOf(Kind element, boolean nullableElement) implements Kind {
        @Override
        public String toString() {
            return "list<" + element + (nullableElement ? "?>" : ">");
        }
    }
}
