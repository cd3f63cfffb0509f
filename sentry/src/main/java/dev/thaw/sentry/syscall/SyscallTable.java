package dev.thaw.sentry.syscall;

import org.jspecify.annotations.Nullable;

/** Rows of system calls: the one source of dispatch, strace and documentation. */
public final class SyscallTable {
    /** How much of a call there is. */
    public enum Support {
        FULL,
        PARTIAL,
        NONE
    }

    /** One call. {@code handler} is null when absent; then the call answers {@code -errno}. */
    public record Row(
            int number,
            String name,
            Support support,
            String note,
            int errno,
            @Nullable SyscallHandler handler) {}

    /** Above the highest number. */
    public static final int LIMIT = 512;

    private final @Nullable Row[] rows = new @Nullable Row[LIMIT];

    /** A call that does all that Linux does. */
    public SyscallTable full(int number, String name, SyscallHandler handler) {
        return add(new Row(number, name, Support.FULL, "", 0, handler));
    }

    /** A call that does part of it; {@code missing} says what it does not. */
    public SyscallTable partial(int number, String name, SyscallHandler handler, String missing) {
        return add(new Row(number, name, Support.PARTIAL, missing, 0, handler));
    }

    /** A call that always fails with {@code errno}, and why. */
    public SyscallTable none(int number, String name, int errno, String why) {
        return add(new Row(number, name, Support.NONE, why, errno, null));
    }

    /** As {@link #none}, unless there is a row already. */
    SyscallTable absent(int number, String name, int errno, String why) {
        return rows[number] == null ? none(number, name, errno, why) : this;
    }

    /** Adds all rows of {@code other}. */
    public SyscallTable addAll(SyscallTable other) {
        for (Row row : other.rows) {
            if (row != null) {
                add(row);
            }
        }
        return this;
    }

    /** The row of {@code number}, or null. */
    public @Nullable Row row(long number) {
        return number >= 0 && number < LIMIT ? rows[(int) number] : null;
    }

    private SyscallTable add(Row row) {
        if (rows[row.number] != null) {
            throw new IllegalArgumentException("system call " + row.number + " twice: " + row.name);
        }
        rows[row.number] = row;
        return this;
    }
}
