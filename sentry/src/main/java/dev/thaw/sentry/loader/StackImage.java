package dev.thaw.sentry.loader;

import static dev.thaw.abi.Errno.E2BIG;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * What a fresh program finds on its stack (x86-64 ABI, 3.4.1), as bytes that end at the stack's top:
 *
 * <pre>
 * rsp → argc | argv[argc] NULL | envp[] NULL | auxv[] AT_NULL | padding | random[16] platform | argv strings | envp strings | execfn | 8 zero bytes ← top
 * </pre>
 */
final class StackImage {
    /** One string may have this many bytes with its NUL (MAX_ARG_STRLEN). */
    private static final int MAX_STRING = 131072;

    /** All of them at most three quarters of Linux's default stack (_STK_LIM / 4 * 3). */
    private static final long MAX_TOTAL = 6L << 20;

    private static final byte[] PLATFORM = {'x', '8', '6', '_', '6', '4', 0};

    final byte[] bytes;
    final long stackPointer;
    final long argStart;
    final long argEnd;
    final long envStart;
    final long envEnd;
    final long[] auxv;

    /** Auxiliary values that are pointers into this image are given as 0 and filled in: AT_RANDOM, AT_EXECFN, AT_PLATFORM. */
    StackImage(
            long top,
            String execFn,
            List<String> argv,
            List<String> env,
            byte[] random,
            long[] auxvTemplate)
            throws ErrnoException {
        long strings = size(argv) + size(env) + execFn.length() + 1 + 8;
        int pointers = 1 + argv.size() + 1 + env.size() + 1 + auxvTemplate.length;
        if (strings + 8L * pointers > MAX_TOTAL) {
            throw errno(E2BIG);
        }
        long randomAt = top - strings - PLATFORM.length - random.length & -16;
        long sp = randomAt - 8L * pointers & -16;
        bytes = new byte[(int) (top - sp)];
        stackPointer = sp;
        ByteBuffer out = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        argStart = top - strings;
        out.position((int) (argStart - sp));
        int words = 0;
        out.putLong(8 * words++, argv.size());
        for (String arg : argv) {
            out.putLong(8 * words++, sp + out.position());
            put(out, arg);
        }
        words++;
        argEnd = sp + out.position();
        envStart = argEnd;
        for (String variable : env) {
            out.putLong(8 * words++, sp + out.position());
            put(out, variable);
        }
        words++;
        envEnd = sp + out.position();
        long execFnAt = envEnd;
        put(out, execFn);
        out.position((int) (randomAt - sp));
        out.put(random).put(PLATFORM);
        auxv = auxvTemplate.clone();
        Auxiliary.patch(auxv, randomAt, execFnAt, randomAt + random.length);
        for (long word : auxv) {
            out.putLong(8 * words++, word);
        }
    }

    private static long size(List<String> strings) throws ErrnoException {
        long size = 0;
        for (String string : strings) {
            if (string.length() >= MAX_STRING) {
                throw errno(E2BIG);
            }
            size += string.length() + 1;
        }
        return size;
    }

    private static void put(ByteBuffer out, String string) {
        out.put(string.getBytes(StandardCharsets.ISO_8859_1)).put((byte) 0);
    }

    /** Checks what Linux checks before it looks at the program: a quarter of the stack limit for all strings and pointers. */
    static void checkLimit(List<String> argv, List<String> env, long stackLimit)
            throws ErrnoException {
        long total = size(argv) + size(env) + 8L * (argv.size() + env.size());
        long limit = stackLimit < 0 ? MAX_TOTAL : Math.min(MAX_TOTAL, stackLimit / 4);
        if (total > Math.max(limit, MAX_STRING)) {
            throw errno(E2BIG);
        }
    }
}
