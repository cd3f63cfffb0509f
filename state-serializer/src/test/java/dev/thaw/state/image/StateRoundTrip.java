package dev.thaw.state.image;

import static org.assertj.core.api.Assertions.assertThat;

import dev.thaw.state.Saveable;
import dev.thaw.state.StateCatalog;
import dev.thaw.state.kryo.RecordDecoder;
import java.util.List;
import java.util.function.UnaryOperator;

/** What each state's test uses: saves, restores, saves again, and wants the same records both times. */
public final class StateRoundTrip {
    /** Returns the restored object. {@code services} offers what the restorers need. */
    @SuppressWarnings(
            "unchecked") // the root that comes back has the saved root's type, which is asserted
    public static <T extends Saveable> T roundTrip(
            StateCatalog catalog, T root, UnaryOperator<StateReader> services) {
        byte[] saved = StateWriter.write(catalog, List.of(root));
        Saveable restored = services.apply(new StateReader(catalog)).read(saved).getFirst();
        assertThat(restored).isInstanceOf(root.getClass()).isNotSameAs(root);
        byte[] again = StateWriter.write(catalog, List.of(restored));
        assertThat(RecordDecoder.decodeGeneric(again).objects())
                .usingRecursiveComparison()
                .isEqualTo(RecordDecoder.decodeGeneric(saved).objects());
        return (T) restored;
    }

    private StateRoundTrip() {}
}
