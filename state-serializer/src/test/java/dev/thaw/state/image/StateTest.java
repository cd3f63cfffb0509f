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
import dev.thaw.state.schema.SchemaText;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

final class StateTest {
    @Test
    void everyKindOfComponentComesBack() {
        Node restored =
                StateRoundTrip.roundTrip(Node.catalog(), Node.full(42), UnaryOperator.identity());
        assertThat(restored.state).usingRecursiveComparison().isEqualTo(Node.full(42).state);
    }

    @Test
    void aLongCyclicChainNeedsNoStack() {
        Node first = Node.full(0);
        Node last = first;
        for (int i = 1; i < 100_000; i++) {
            last.next = Node.full(i);
            last = last.next;
        }
        last.next = first;
        byte[] blob = StateWriter.write(Node.catalog(), List.of(first));
        Node node = (Node) new StateReader(Node.catalog()).read(blob).getFirst();
        Node start = node;
        for (int i = 0; i < 100_000; i++) {
            assertThat(node).isNotNull();
            assertThat(node.state.number()).isEqualTo(i);
            node = node.next;
        }
        assertThat(node).isSameAs(start);
    }

    @Test
    void aCutBlobIsRefused() {
        byte[] blob = StateWriter.write(Node.catalog(), List.of(Node.full(1)));
        for (int length = 0; length < blob.length; length++) {
            byte[] cut = Arrays.copyOf(blob, length);
            assertThatThrownBy(() -> new StateReader(Node.catalog()).read(cut))
                    .isInstanceOf(ImageException.class);
        }
    }

    @Test
    void aFlippedBitGivesAnImageExceptionOrAnotherValueButNothingElse() {
        byte[] blob = StateWriter.write(Node.catalog(), List.of(Node.full(1)));
        int refused = 0;
        for (int i = 0; i < blob.length * 8; i++) {
            byte[] forged = blob.clone();
            forged[i / 8] ^= (byte) (1 << i % 8);
            try {
                new StateReader(Node.catalog()).read(forged);
            } catch (ImageException e) {
                assertThat(e.getMessage()).doesNotContain("\n");
                refused++;
            }
        }
        assertThat(refused).isGreaterThan(blob.length);
    }

    @Test
    void hugeCountsAreRefusedBeforeAllocation() {
        byte[] blob = StateWriter.write(Node.catalog(), List.of(Node.full(1)));
        for (int i = 8; i + 5 <= blob.length; i++) {
            byte[] forged = blob.clone();
            Arrays.fill(forged, i, i + 4, (byte) 0xff);
            forged[i + 4] = 0x07; // a varint, and a fixed int, of about 2^31
            try {
                new StateReader(Node.catalog()).read(forged);
            } catch (ImageException e) {
                assertThat(e.getMessage()).isNotEmpty();
            }
        }
    }

    @Test
    void unknownTypesAndForgedReferencesAreNamed() {
        byte[] blob = StateWriter.write(Node.catalog(), List.of(Node.full(1)));
        assertThatThrownBy(() -> new StateReader(new StateCatalog()).read(blob))
                .isInstanceOf(ImageException.class)
                .hasMessageContaining("#7000")
                .hasMessageContaining("unknown");
        StateReader reader = new StateReader(Node.catalog());
        reader.read(blob);
        assertThatThrownBy(() -> reader.get(2, Node.class))
                .isInstanceOf(ImageException.class)
                .hasMessageContaining("object 2");
        assertThatThrownBy(() -> reader.get(1, StateTest.class))
                .hasMessageContaining("no StateTest");
    }

    record Point(int x, int y, int z) implements Saveable {
        @StateType(id = 0x7100, version = 1)
        record V1(int x, int y) {}

        @StateType(id = 0x7100, version = 2)
        record V2(int x, int y, int z) {}

        static <S extends Record> Restorer<S, Point> restorer(
                java.util.function.Function<S, Point> make) {
            return new Restorer<>() {
                @Override
                public Point create(S state, RestoreContext context) {
                    return make.apply(state);
                }

                @Override
                public void link(Point object, S state, RestoreContext context) {}
            };
        }

        @Override
        public Record save(SaveContext context) {
            return new V1(x, y);
        }
    }

    @Test
    void anOlderVersionIsUpgradedOrRefused() {
        StateCatalog old =
                new StateCatalog()
                        .object(Point.V1.class, Point.restorer(s -> new Point(s.x(), s.y(), 0)));
        StateCatalog now =
                new StateCatalog()
                        .object(
                                Point.V2.class,
                                Point.restorer(s -> new Point(s.x(), s.y(), s.z())));
        byte[] blob = StateWriter.write(old, List.of(new Point(3, 4, 0)));
        assertThatThrownBy(() -> new StateReader(now).read(blob))
                .hasMessageContaining("#7100 v1 is too old");
        now.upgrade(Point.V2.class, 1, o -> new Point.V2(o.getInt("x"), o.getInt("y"), 9));
        assertThat(new StateReader(now).read(blob)).containsExactly(new Point(3, 4, 9));
    }

    @Test
    void aBlobIsShownAsJsonWithoutItsClasses() throws java.io.IOException {
        StringBuilder json = new StringBuilder();
        StateDump.write(
                StateWriter.write(Node.catalog(), List.of(Node.full(1))),
                id -> id == 0x7001 ? "Tag" : null,
                json);
        assertThat(json.toString())
                .contains("\"type\" : \"#7000\", \"version\" : 1")
                .contains(
                        "\"text\" : \"\\u00ff\\u0000x\"",
                        "\"bytes\" : \"01ff\"",
                        "\"table\" : [[], [1, 2]]")
                .contains("\"type\" : \"Tag\"");
    }

    @Test
    void theSchemaIsALineForEachType() {
        assertThat(SchemaText.of(Node.catalog()))
                .contains("7001 v1 dev.thaw.state.image.Node.Tag(name string, weight long?)\n")
                .contains(
                        "tags list<#7001>, names list<string?>, table list<list<long>>, next int)\n");
    }
}
