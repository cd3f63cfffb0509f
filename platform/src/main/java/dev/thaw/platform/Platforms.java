package dev.thaw.platform;

import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.platform.ptrace.PtracePlatform;
import dev.thaw.platform.systrap.SystrapPlatform;
import java.util.List;

/** The platforms there are, by name. */
public final class Platforms {
    private Platforms() {}

    /** The names, the default first. */
    public static List<String> names() {
        return List.of("systrap", "ptrace");
    }

    /** Starts the platform {@code name}. */
    public static Platform create(String name, MemoryFile memory) throws PlatformException {
        return switch (name) {
            case "systrap" -> new SystrapPlatform(memory);
            case "ptrace" -> new PtracePlatform(memory);
            default ->
                    throw new PlatformException(
                            "no such platform: "
                                    + name
                                    + " (there are: "
                                    + String.join(", ", names())
                                    + ")");
        };
    }
}
