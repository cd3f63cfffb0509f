package dev.thaw.state.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.thaw.state.ImageException;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.Saveable;
import dev.thaw.state.StateCatalog;
import dev.thaw.state.StateType;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** An image of an earlier release, in the bytes that it wrote, after its record type has changed. */
final class OldImageTest {
    /** A point as version 1 had it; it wrote {@link #GOLDEN} and is gone since. */
    @StateType(id = 0x7200, version = 1)
    record V1(int x, int y, String colour) {}

    /** As it is now: {@code colour} was removed, {@code tags} and {@code note} were added, the order is another. */
    @StateType(id = 0x7200, version = 2)
    record V2(int y, int x, List<String> tags, @Nullable String note) {}

    /** {@code V1(3, -4, "red")}. */
    private static final String GOLDEN =
            "5448415753544154010000000100000080e401011b7820696e742c207920696e742c20636f6c6f757220737472696e67"
                    + "01000000010100000080e40106000000060703726564";

    private record Point(Record state) implements Saveable {
        @Override
        public Record save(SaveContext context) {
            return state;
        }
    }

    private static <S extends Record> StateCatalog catalog(Class<S> type) {
        return new StateCatalog()
                .object(
                        type,
                        new Restorer<S, Point>() {
                            @Override
                            public Point create(S state, RestoreContext context) {
                                return new Point(state);
                            }

                            @Override
                            public void link(Point object, S state, RestoreContext context) {}
                        });
    }

    @Test
    void bytesOfARecordAreWhatTheyWere() {
        byte[] blob =
                StateWriter.write(catalog(V1.class), List.of(new Point(new V1(3, -4, "red"))));
        assertThat(HexFormat.of().formatHex(blob)).isEqualTo(GOLDEN);
    }

    @Test
    void addedComponentsGetTheirDefaultsAndRemovedOnesAreLeftOut() {
        Map<String, Object> defaults = new HashMap<>();
        defaults.put("tags", List.of("old"));
        defaults.put("note", null);
        StateCatalog now = catalog(V2.class).upgrade(V2.class, 1, defaults);
        assertThat(new StateReader(now).read(HexFormat.of().parseHex(GOLDEN)))
                .containsExactly(new Point(new V2(-4, 3, List.of("old"), null)));
    }

    @Test
    void withoutAnUpgradeItIsRefusedWithTheReason() {
        assertThatThrownBy(
                        () ->
                                new StateReader(catalog(V2.class))
                                        .read(HexFormat.of().parseHex(GOLDEN)))
                .isInstanceOf(ImageException.class)
                .hasMessageContaining("#7200 v1 is too old for this release");
    }

    @Test
    void aNewerRecordIsRefusedWithTheReason() {
        byte[] newer =
                StateWriter.write(
                        catalog(V2.class), List.of(new Point(new V2(1, 2, List.of(), null))));
        assertThatThrownBy(() -> new StateReader(catalog(V1.class)).read(newer))
                .isInstanceOf(ImageException.class)
                .hasMessageContaining("#7200 v2 is newer than this release, which reads v1");
    }
}
