package dev.thaw.sentry.fs.proc;

import java.nio.charset.StandardCharsets;

/** Builds the text of a file of procfs. Strings hold raw bytes as ISO-8859-1. */
final class Text {
    private final StringBuilder builder = new StringBuilder(512);

    Text add(String text) {
        builder.append(text);
        return this;
    }

    Text add(long number) {
        builder.append(number);
        return this;
    }

    Text add(char c) {
        builder.append(c);
        return this;
    }

    /** {@code number} in lower-case hex with at least {@code digits} digits. */
    Text hex(long number, int digits) {
        String text = Long.toHexString(number);
        builder.repeat('0', Math.max(0, digits - text.length())).append(text);
        return this;
    }

    /** {@code text} right-aligned in {@code width}. */
    Text right(String text, int width) {
        builder.repeat(' ', Math.max(0, width - text.length())).append(text);
        return this;
    }

    Text right(long number, int width) {
        return right(Long.toString(number), width);
    }

    /** {@code text} left-aligned in {@code width}. */
    Text left(String text, int width) {
        builder.append(text).repeat(' ', Math.max(0, width - text.length()));
        return this;
    }

    /** A seconds value with two decimals from ns. */
    Text seconds(long nanos) {
        long hundredths = nanos / 10_000_000;
        builder.append(hundredths / 100).append('.');
        if (hundredths % 100 < 10) {
            builder.append('0');
        }
        builder.append(hundredths % 100);
        return this;
    }

    Text line() {
        builder.append('\n');
        return this;
    }

    int length() {
        return builder.length();
    }

    Text padTo(int column) {
        builder.repeat(' ', Math.max(0, column - builder.length()));
        return this;
    }

    byte[] bytes() {
        return builder.toString().getBytes(StandardCharsets.ISO_8859_1);
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    /** {@code path} as mount tables and maps show it: space, tab, newline and backslash in octal. */
    static String escape(String path, String special) {
        StringBuilder out = null;
        for (int i = 0; i < path.length(); i++) {
            char c = path.charAt(i);
            boolean escaped = special.indexOf(c) >= 0;
            if (escaped && out == null) {
                out = new StringBuilder(path.length() + 8).append(path, 0, i);
            }
            if (out != null) {
                if (escaped) {
                    out.append('\\')
                            .append((char) ('0' + (c >> 6)))
                            .append((char) ('0' + (c >> 3 & 7)))
                            .append((char) ('0' + (c & 7)));
                } else {
                    out.append(c);
                }
            }
        }
        return out == null ? path : out.toString();
    }
}
