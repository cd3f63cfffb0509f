package dev.thaw.sentry.mm;

import dev.thaw.sentry.vfs.FileDescription;
import org.jspecify.annotations.Nullable;

/** One line of {@code /proc/[pid]/maps}. {@code flags} are those of mmap(2) that a mapping keeps. {@code file} is not retained. {@code name} is such as {@code [heap]}, or empty. */
public record Mapping(
        long start,
        long end,
        int prot,
        int flags,
        long offset,
        @Nullable FileDescription file,
        String name) {}
