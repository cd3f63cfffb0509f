package dev.thaw.state.kryo;

import com.esotericsoftware.kryo.io.Output;
import dev.thaw.state.StateCatalog;
import dev.thaw.state.schema.RecordSchema;
import java.util.Map;
import java.util.TreeMap;

/**
 * Writes the raw state blob:
 *
 * <pre>
 * magic "THAWSTAT" | int format | int types { varint id | varint version | string components } | int roots { varint object } |
 * int objects { varint type | int length | components }
 * </pre>
 *
 * <p>Integers are Kryo's (fixed ones little-endian). The types are those used, so that the blob can be read without the classes that wrote it.
 */
public final class RecordEncoder extends ValueCodec {
    static final byte[] MAGIC = {'T', 'H', 'A', 'W', 'S', 'T', 'A', 'T'};
    static final int FORMAT = 1;

    private final Registry registry;
    private final Output body = new Output(1 << 16, -1);
    private final Map<Integer, RecordSchema> used = new TreeMap<>();
    private int objects;

    public RecordEncoder(StateCatalog catalog) {
        registry = new Registry(catalog);
        registry.makeAll(this);
    }

    /** Appends the state of the next object; ids count from 1. */
    public void object(Record state) {
        int typeId = registry.catalog().idOf(state.getClass());
        body.writeVarInt(typeId, true);
        int lengthAt = body.position();
        body.writeInt(0);
        writeNested(body, typeId, state);
        int end = body.position();
        body.setPosition(lengthAt);
        body.writeInt(end - lengthAt - Integer.BYTES);
        body.setPosition(end);
        objects++;
    }

    /** Ends the blob. */
    public byte[] finish(int[] roots) {
        Output out = new Output(body.position() + (1 << 14), -1);
        out.writeBytes(MAGIC);
        out.writeInt(FORMAT);
        out.writeInt(used.size());
        for (RecordSchema schema : used.values()) {
            out.writeVarInt(schema.id(), true);
            out.writeVarInt(schema.version(), true);
            Wire.writeString(out, schema.signature());
        }
        out.writeInt(roots.length);
        for (int root : roots) {
            out.writeVarInt(root, true);
        }
        out.writeInt(objects);
        out.writeBytes(body.getBuffer(), 0, body.position());
        return out.toBytes();
    }

    @Override
    void writeNested(Output out, int typeId, Object record) {
        RecordSerializer serializer = registry.serializer(typeId, this);
        if (serializer == null) {
            throw new IllegalStateException(
                    record.getClass().getName() + " is not in the state catalog");
        }
        used.putIfAbsent(typeId, serializer.schema());
        registry.kryo().writeObject(out, record, serializer);
    }

    @Override
    Object readNested(com.esotericsoftware.kryo.io.Input in, int typeId) {
        throw new UnsupportedOperationException();
    }
}
