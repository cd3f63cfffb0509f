package dev.thaw.state.image;

import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.Saveable;
import dev.thaw.state.StateCatalog;
import dev.thaw.state.StateType;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An object with one of everything, for the tests of the state format. */
final class Node implements Saveable {
    @StateType(id = 0x7001)
    record Tag(String name, @Nullable Long weight) {}

    @StateType(id = 0x7000)
    record State(
            boolean flag,
            int number,
            long wide,
            double real,
            String text,
            @Nullable String note,
            byte[] bytes,
            int[] ints,
            long[] longs,
            Tag tag,
            @Nullable Tag other,
            List<Tag> tags,
            List<@Nullable String> names,
            List<List<Long>> table,
            int next) {}

    static StateCatalog catalog() {
        return new StateCatalog()
                .value(Tag.class)
                .object(
                        State.class,
                        new Restorer<State, Node>() {
                            @Override
                            public Node create(State state, RestoreContext context) {
                                Node node = new Node();
                                node.state = state;
                                return node;
                            }

                            @Override
                            public void link(Node node, State state, RestoreContext context) {
                                node.next = context.getOrNull(state.next(), Node.class);
                            }
                        });
    }

    @Nullable State state;
    @Nullable Node next;

    /** A node with a value in each component. */
    static Node full(int number) {
        Node node = new Node();
        node.state =
                new State(
                        true,
                        number,
                        -1L << 40,
                        0.1,
                        "\u00ff\u0000x",
                        null,
                        new byte[] {1, -1},
                        new int[] {Integer.MIN_VALUE, 7},
                        new long[] {Long.MAX_VALUE},
                        new Tag("a", 5L),
                        new Tag("b", null),
                        List.of(new Tag("c", -5L)),
                        java.util.Arrays.asList("d", null),
                        List.of(List.of(), List.of(1L, 2L)),
                        0);
        return node;
    }

    @Override
    public Record save(SaveContext context) {
        State s = java.util.Objects.requireNonNull(state);
        return new State(
                s.flag,
                s.number,
                s.wide,
                s.real,
                s.text,
                s.note,
                s.bytes,
                s.ints,
                s.longs,
                s.tag,
                s.other,
                s.tags,
                s.names,
                s.table,
                context.ref(next));
    }
}
