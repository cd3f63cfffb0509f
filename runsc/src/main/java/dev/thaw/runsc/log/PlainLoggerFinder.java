package dev.thaw.runsc.log;

import java.io.PrintStream;
import java.util.ResourceBundle;
import org.jspecify.annotations.Nullable;

/**
 * Log lines as plain text on stderr. java.util.logging would load hundreds of classes and read time zones from a file, which a confined sandbox can not.
 * {@code -Dthaw.log.level} names the lowest level that is written.
 */
public final class PlainLoggerFinder extends System.LoggerFinder {
    @Override
    public System.Logger getLogger(String name, Module module) {
        return new PlainLogger(name);
    }

    private record PlainLogger(String name) implements System.Logger {
        private static final Level LEVEL = level();

        private static Level level() {
            String wanted = System.getProperty("thaw.log.level", "INFO");
            for (Level level : Level.values()) {
                if (level.name().equals(wanted)) {
                    return level;
                }
            }
            return Level.INFO;
        }

        @Override
        public String getName() {
            return name;
        }

        @Override
        public boolean isLoggable(Level level) {
            return level != Level.OFF && level.getSeverity() >= LEVEL.getSeverity();
        }

        @Override
        public void log(
                Level level,
                @Nullable ResourceBundle bundle,
                @Nullable String text,
                @Nullable Throwable thrown) {
            if (isLoggable(level)) {
                write(level, String.valueOf(text), thrown);
            }
        }

        @Override
        public void log(
                Level level,
                @Nullable ResourceBundle bundle,
                @Nullable String format,
                @Nullable Object @Nullable ... params) {
            if (isLoggable(level)) {
                write(level, fill(String.valueOf(format), params), null);
            }
        }

        private void write(Level level, String text, @Nullable Throwable thrown) {
            PrintStream out = System.err;
            out.println(
                    level.getName()
                            + ' '
                            + name.substring(name.lastIndexOf('.') + 1)
                            + ": "
                            + text);
            if (thrown != null) {
                thrown.printStackTrace(out);
            }
        }

        /** {0}, {1}, … by their parameters: what MessageFormat does, without loading locales. */
        private static String fill(String format, @Nullable Object @Nullable [] params) {
            if (params == null || params.length == 0) {
                return format;
            }
            StringBuilder out = new StringBuilder();
            int at = 0;
            while (at < format.length()) {
                char c = format.charAt(at);
                int digit =
                        at + 2 < format.length() && c == '{' && format.charAt(at + 2) == '}'
                                ? format.charAt(at + 1) - '0'
                                : -1;
                if (digit >= 0 && digit < params.length) {
                    out.append(params[digit]);
                    at += 3;
                } else {
                    out.append(c);
                    at++;
                }
            }
            return out.toString();
        }
    }
}
