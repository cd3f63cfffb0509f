package dev.thaw.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class RetentionPolicyTest {
    private static final Instant NOW = Instant.parse("2026-11-22T12:00:00Z");

    /** Children d < c < a of a; an old labelled one; each an hour older than the next. */
    private final List<StoredImage> images =
            List.of(
                    image("old", 5, null, Map.of("keep", "yes")),
                    image("a", 4, null, Map.of()),
                    image("b", 3, null, Map.of()),
                    image("c", 2, "a", Map.of()),
                    image("d", 1, "c", Map.of("keep", "no")));

    @Test
    void countAgeAndLabelsKeepAndSoDoesBeingAParent() {
        assertThat(left(new RetentionPolicy(1, null, Map.of()))).containsExactly("b", "old");
        assertThat(left(new RetentionPolicy(2, null, Map.of()))).containsExactly("b", "old");
        assertThat(left(new RetentionPolicy(0, Duration.ofHours(3), Map.of())))
                .containsExactly("old");
        assertThat(left(new RetentionPolicy(0, null, Map.of("keep", "yes"))))
                .containsExactly("d", "c", "b", "a");
        assertThat(left(new RetentionPolicy(0, null, Map.of("keep", "")))).containsExactly("b");
        assertThat(left(new RetentionPolicy(9, null, Map.of()))).isEmpty();
    }

    @Test
    void childrenGoBeforeTheirParentsWhateverTheClockSaid() {
        List<StoredImage> backwards =
                List.of(image("child", 9, "parent", Map.of()), image("parent", 1, null, Map.of()));
        assertThat(new RetentionPolicy(0, Duration.ZERO, Map.of()).dispensable(backwards, NOW))
                .extracting(StoredImage::id)
                .containsExactly("child", "parent");
    }

    @Test
    void aPolicyThatWouldKeepNothingIsRefused() {
        assertThatThrownBy(() -> new RetentionPolicy(0, null, Map.of()))
                .hasMessageContaining("keeps nothing");
    }

    private List<String> left(RetentionPolicy policy) {
        return policy.dispensable(images, NOW).stream().map(StoredImage::id).toList();
    }

    private static StoredImage image(
            String id, int hours, @Nullable String parent, Map<String, String> labels) {
        return Images.of(
                id, NOW.minus(Duration.ofHours(hours)), parent, labels, Path.of("/nowhere"));
    }
}
