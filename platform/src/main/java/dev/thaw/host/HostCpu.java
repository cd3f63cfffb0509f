package dev.thaw.host;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;

/** What the host kernel told this process about the processor (getauxval(3)). */
public final class HostCpu {
    // SAFETY: getauxval reads a table of libc's; any argument is allowed.
    private static final MethodHandle GETAUXVAL =
            Linker.nativeLinker()
                    .downcallHandle(
                            Linker.nativeLinker().defaultLookup().find("getauxval").orElseThrow(),
                            FunctionDescriptor.of(JAVA_LONG, JAVA_LONG));

    /** An entry of the auxiliary vector, 0 when there is none. */
    public static long auxiliaryValue(int type) {
        try {
            return (long) GETAUXVAL.invokeExact((long) type);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    private HostCpu() {}
}
