package dev.thaw.state.kryo;

import com.esotericsoftware.kryo.Kryo;
import com.esotericsoftware.kryo.Registration;
import com.esotericsoftware.kryo.util.DefaultInstantiatorStrategy;
import dev.thaw.state.StateCatalog;
import dev.thaw.state.schema.RecordSchema;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Kryo as this project uses it: types registered by number when first met, no references, no class names, bounded depth. */
final class Registry {
    /** How deep records nest in each other by value. */
    static final int MAX_DEPTH = 32;

    static {
        if (System.getProperty("kryo.unsafe") == null) {
            System.setProperty("kryo.unsafe", "false"); // not needed, and the JDK warns of it
        }
    }

    private final StateCatalog catalog;
    private final Kryo kryo = new Kryo();
    private final Map<Integer, RecordSerializer> serializers = new HashMap<>();

    Registry(StateCatalog catalog) {
        this.catalog = catalog;
        kryo.setRegistrationRequired(true);
        kryo.setReferences(false);
        kryo.setAutoReset(false);
        kryo.setMaxDepth(MAX_DEPTH);
        kryo.setInstantiatorStrategy(new DefaultInstantiatorStrategy());
    }

    Kryo kryo() {
        return kryo;
    }

    StateCatalog catalog() {
        return catalog;
    }

    /** Makes the serializers of all types, so that none has to be made later. */
    void makeAll(ValueCodec values) {
        for (int id : catalog.entries().keySet()) {
            serializer(id, values);
        }
    }

    /** The serializer of type {@code id}, or null when this release has no such type. */
    @Nullable RecordSerializer serializer(int id, ValueCodec values) {
        RecordSerializer serializer = serializers.get(id);
        if (serializer == null) {
            StateCatalog.Entry entry = catalog.entries().get(id);
            if (entry == null) {
                return null;
            }
            serializer = new RecordSerializer(entry.type(), RecordSchema.of(entry.type()), values);
            kryo.register(new Registration(entry.type(), serializer, id));
            serializers.put(id, serializer);
        }
        return serializer;
    }
}
