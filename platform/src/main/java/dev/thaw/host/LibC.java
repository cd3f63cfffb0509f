package dev.thaw.host;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;

/** Functions of libc that are more than a system call. All have one shape (six words in, one out), so that the linker makes one stub for all of them. */
final class LibC {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final FunctionDescriptor SHAPE =
            FunctionDescriptor.of(
                    JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);

    private LibC() {}

    /** The function {@code name}. SAFETY: integer and pointer arguments go in the same registers whatever their width; further ones are ignored by the callee. */
    static MethodHandle function(String name) {
        return LINKER.downcallHandle(LINKER.defaultLookup().find(name).orElseThrow(), SHAPE);
    }

    /** Calls {@code function}. A result of C type int is in the low half. */
    static long call(MethodHandle function, long a, long b, long c, long d, long e, long f) {
        try {
            return (long) function.invokeExact(a, b, c, d, e, f);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }
}
