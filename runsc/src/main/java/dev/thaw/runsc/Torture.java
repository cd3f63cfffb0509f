package dev.thaw.runsc;

import dev.thaw.runsc.container.ContainerState;
import dev.thaw.runsc.oci.Spec;
import dev.thaw.store.ImageDirectory;
import dev.thaw.store.StoredImage;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;

/**
 * For tests: runs a program and, at the system calls that a plan names ({@code every=N}, {@code at=K}, {@code random=SEED,N}), freezes it to an image, ends its processes and goes on from the
 * image in new ones. What it prints and returns must not show it. The images of the last two cycles stay.
 */
public final class Torture {
    private final Sandboxes sandboxes;
    private final String kind;
    private final long number;
    private final int bound;
    private final Random random;
    private final Path images;

    public Torture(Sandboxes sandboxes, String plan, Path images) throws SandboxException {
        String[] parts = plan.split("[=,]");
        try {
            this.kind = parts[0];
            this.number = Long.parseLong(parts[1]);
            this.bound = parts.length > 2 ? Integer.parseInt(parts[2]) : 1;
        } catch (IndexOutOfBoundsException | NumberFormatException e) {
            throw SandboxException.invalid("no plan: " + plan);
        }
        this.sandboxes = sandboxes;
        this.random = new Random(number);
        this.images = images;
    }

    private long next(int cycle) {
        return switch (kind) {
            case "every" -> number;
            case "random" -> 1 + random.nextInt(bound);
            default -> cycle == 0 ? number : Long.MAX_VALUE;
        };
    }

    /** Runs {@code spec} to its end; the exit code. */
    public int run(String id, Path bundle, Spec spec) throws SandboxException {
        int cycles = 0;
        sandboxes.setTrap(next(cycles));
        Sandboxes.Started started = sandboxes.createAttached(id, bundle, spec, Stdio.INHERIT);
        Sandbox sandbox = sandboxes.get(id);
        sandbox.begin();
        sandbox.store(ContainerState.RUNNING);
        while (sandbox.awaitTrap()) {
            Path image = images.resolve("cycle" + cycles);
            cycles++;
            StoredImage stored =
                    sandbox.checkpoint(() -> ImageDirectory.create(image), false, Map.of());
            started.process().close();
            started.process().waitFor();
            sandboxes.setTrap(next(cycles));
            started = sandboxes.restoreAttached(id, bundle, spec, stored, Stdio.INHERIT);
            sandbox = sandboxes.get(id);
            remove(images.resolve("cycle" + (cycles - 3)));
        }
        int code = started.process().waitFor();
        started.process().close();
        return code;
    }

    private static void remove(Path image) {
        java.io.File[] files = image.toFile().listFiles();
        if (files != null) {
            for (java.io.File file : files) {
                file.delete();
            }
            image.toFile().delete();
        }
    }
}
