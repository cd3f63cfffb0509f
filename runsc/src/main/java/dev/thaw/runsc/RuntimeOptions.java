package dev.thaw.runsc;

import dev.thaw.runsc.container.Installation;
import dev.thaw.runsc.container.StateRoot;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * How sandboxes are made: where their state is kept, which platform runs them, whether system calls are traced. {@code log} is a file for what sandbox and gofer have to say; without it that
 * goes to sandbox.log in the state directory.
 */
public record RuntimeOptions(
        StateRoot root,
        Installation installation,
        String platform,
        boolean strace,
        boolean confine,
        @Nullable Path log) {
    /** The defaults: systrap, confined, state below {@code root}. */
    public static RuntimeOptions of(Path root) throws SandboxException {
        return new RuntimeOptions(
                new StateRoot(root), Installation.current(), "systrap", false, true, null);
    }
}
