package dev.thaw.sentry.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.thaw.state.schema.SchemaText;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Holds the state records to what images in the world contain. After a change on purpose run with {@code -Dthaw.schema.update=FILE} to write the new golden file. */
final class SentryStatesTest {
    @Test
    void stateRecordsAreThoseOfTheGoldenSchema() throws IOException {
        String now = SchemaText.of(SentryStates.catalog());
        String update = System.getProperty("thaw.schema.update");
        if (update != null) {
            Files.writeString(Path.of(update), now);
        }
        try (InputStream in = SentryStatesTest.class.getResourceAsStream("/state-schema.txt")) {
            String golden =
                    new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
            assertThat(now)
                    .as("a changed record needs a higher version and an upgrade in the catalog")
                    .isEqualTo(golden);
        }
    }
}
