package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.fs.tmpfs.TmpfsFilesystem;

/** The mount options of tmpfs(5) that we know: size and mode; others are accepted and ignored. */
public record TmpfsOptions(long size, int mode) {
    /** Parses "size=64k,mode=755,…". */
    public static TmpfsOptions parse(String options) throws ErrnoException {
        long size = 0;
        int mode = 0x3ff;
        try {
            for (String option : options.split(",")) {
                if (option.startsWith("size=")) {
                    size = bytes(option.substring(5));
                } else if (option.startsWith("mode=")) {
                    mode = Integer.parseInt(option.substring(5), 8) & 0xfff;
                }
            }
        } catch (NumberFormatException _) {
            throw errno(EINVAL);
        }
        return new TmpfsOptions(size, mode);
    }

    private static long bytes(String value) {
        if (value.isEmpty() || value.endsWith("%")) {
            return 0;
        }
        int shift =
                switch (Character.toLowerCase(value.charAt(value.length() - 1))) {
                    case 'k' -> 10;
                    case 'm' -> 20;
                    case 'g' -> 30;
                    default -> 0;
                };
        return Long.parseLong(shift == 0 ? value : value.substring(0, value.length() - 1)) << shift;
    }

    /** A file system with these options. */
    public TmpfsFilesystem make(MemoryFile memory) {
        return new TmpfsFilesystem(memory, size, mode);
    }
}
