package dev.thaw.state.image;

import dev.thaw.state.SaveContext;
import dev.thaw.state.Saveable;
import dev.thaw.state.StateCatalog;
import dev.thaw.state.kryo.RecordEncoder;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Saves all objects that can be reached from some roots, breadth first and without recursion. */
public final class StateWriter implements SaveContext {
    private final RecordEncoder encoder;
    private final Map<Saveable, Integer> ids = new IdentityHashMap<>();
    private final List<Saveable> queue = new ArrayList<>();
    private final List<Record> records = new ArrayList<>();
    private int[] rootIds = new int[0];

    /** A writer for one blob. All that can be made ahead is made here. */
    public StateWriter(StateCatalog catalog) {
        this.encoder = new RecordEncoder(catalog);
    }

    /** The raw state blob of {@code roots} and all they refer to. Nothing may change meanwhile. */
    public static byte[] write(StateCatalog catalog, List<? extends Saveable> roots) {
        StateWriter writer = new StateWriter(catalog);
        writer.collect(roots);
        return writer.encode();
    }

    /** Takes the records of {@code roots} and all they refer to. Nothing may change meanwhile; what they hold is theirs, so afterwards everything may. */
    public void collect(List<? extends Saveable> roots) {
        rootIds = new int[roots.size()];
        for (int i = 0; i < rootIds.length; i++) {
            rootIds[i] = ref(roots.get(i));
        }
        for (int i = 0; i < queue.size(); i++) {
            records.add(queue.get(i).save(this));
        }
    }

    /** The raw state blob of what was collected. */
    public byte[] encode() {
        for (Record state : records) {
            try {
                encoder.object(state);
            } catch (RuntimeException e) {
                throw new IllegalStateException(
                        "state of " + state.getClass().getName() + ": " + e.getMessage(), e);
            }
        }
        return encoder.finish(rootIds);
    }

    @Override
    public int ref(@Nullable Saveable object) {
        if (object == null) {
            return 0;
        }
        Integer known = ids.get(object);
        if (known != null) {
            return known;
        }
        queue.add(object);
        int id = queue.size();
        ids.put(object, id);
        return id;
    }
}
