package dev.thaw.runsc.cli.image;

import dev.thaw.runsc.SandboxException;
import dev.thaw.store.ImageStore;
import dev.thaw.store.RetentionPolicy;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code runsc image retain}. */
@Command(
        name = "retain",
        description =
                "remove the images of a store that meet none of the conditions and are no parent of one that does")
final class RetainCommand extends StoreSubcommand {
    @Option(names = "--keep-last", paramLabel = "N", description = "keep the newest N")
    int keepLast;

    @Option(
            names = "--keep-within",
            paramLabel = "AGE",
            description = "keep those younger than this: 90m, 12h, 7d, 8w")
    @Nullable String keepWithin;

    @Option(
            names = "--keep-label",
            paramLabel = "NAME=VALUE",
            mapFallbackValue = "",
            description =
                    "keep those with this label, NAME alone: of any value; may be given many times")
    Map<String, String> keepLabels = new LinkedHashMap<>();

    @Option(names = "--dry-run", description = "only print what would be removed")
    boolean dryRun;

    @Override
    int run(ImageStore opened) throws SandboxException, IOException {
        RetentionPolicy policy;
        try {
            policy =
                    new RetentionPolicy(
                            keepLast, keepWithin == null ? null : age(keepWithin), keepLabels);
        } catch (IllegalArgumentException e) {
            throw SandboxException.invalid(String.valueOf(e.getMessage()));
        }
        Instant now = Instant.now();
        if (dryRun) {
            policy.dispensable(opened.list(), now).forEach(image -> System.out.println(image.id()));
        } else {
            opened.retain(policy, now).forEach(System.out::println);
        }
        return 0;
    }

    private static Duration age(String text) {
        if (!text.matches("[0-9]{1,9}[smhdw]")) {
            throw new IllegalArgumentException("\"" + text + "\" is no age like 90m, 12h, 7d, 8w");
        }
        long number = Long.parseLong(text.substring(0, text.length() - 1));
        return switch (text.charAt(text.length() - 1)) {
            case 's' -> Duration.ofSeconds(number);
            case 'm' -> Duration.ofMinutes(number);
            case 'h' -> Duration.ofHours(number);
            case 'd' -> Duration.ofDays(number);
            default -> Duration.ofDays(7 * number);
        };
    }
}
