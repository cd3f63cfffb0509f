package dev.thaw.state.kryo;

import com.esotericsoftware.kryo.KryoException;
import com.esotericsoftware.kryo.io.Input;
import com.esotericsoftware.kryo.io.Output;
import dev.thaw.state.ImageException;
import dev.thaw.state.MemoryBound;
import dev.thaw.state.OldRecord;
import dev.thaw.state.StateCatalog;
import dev.thaw.state.schema.Component;
import dev.thaw.state.schema.RecordSchema;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Reads the raw state blob of {@link RecordEncoder}. The bytes may be forged: every fault is an {@link ImageException}. */
public final class RecordDecoder extends ValueCodec {
    /** What a blob holds: one record for each object, ids from 1, and the ids of the roots. Generic records are {@link OldRecord}s. */
    public record Decoded<R>(List<R> objects, int[] roots) {}

    private static final int MAX_TYPES = 4096;
    private static final int MAX_ROOTS = 4096;
    private static final int MIN_OBJECT = 5;
    private static final int MIN_BLOB = 24;

    private final Registry registry;
    private final boolean generic;
    private final Map<Integer, RecordSchema> schemas = new HashMap<>();
    private int depth;
    private long memory = MemoryBound.bytes();

    private RecordDecoder(StateCatalog catalog, boolean generic) {
        this.registry = new Registry(catalog);
        this.generic = generic;
    }

    /** Decodes to this release's records. */
    public static Decoded<Record> decode(StateCatalog catalog, byte[] blob) {
        Decoded<Object> decoded = new RecordDecoder(catalog, false).decode(blob);
        List<Record> records = new ArrayList<>(decoded.objects().size());
        for (Object object : decoded.objects()) {
            records.add((Record) object);
        }
        return new Decoded<>(records, decoded.roots());
    }

    /** Decodes by the blob's own schema, for people and tools to look at. */
    public static Decoded<OldRecord> decodeGeneric(byte[] blob) {
        Decoded<Object> decoded = new RecordDecoder(new StateCatalog(), true).decode(blob);
        List<OldRecord> records = new ArrayList<>(decoded.objects().size());
        for (Object object : decoded.objects()) {
            records.add((OldRecord) object);
        }
        return new Decoded<>(records, decoded.roots());
    }

    private Decoded<Object> decode(byte[] blob) {
        if (blob.length < MIN_BLOB) { // Kryo's Input spins for ever on an empty buffer
            throw new ImageException("state blob is cut short");
        }
        Input in = new Input(blob);
        try {
            if (!Arrays.equals(in.readBytes(RecordEncoder.MAGIC.length), RecordEncoder.MAGIC)) {
                throw new ImageException("no state blob");
            }
            int format = in.readInt();
            if (format != RecordEncoder.FORMAT) {
                throw new ImageException(
                        "state format " + format + ", this release reads " + RecordEncoder.FORMAT);
            }
            readSchemas(in);
            int[] roots = new int[bounded(in.readInt(), MAX_ROOTS, "roots")];
            for (int i = 0; i < roots.length; i++) {
                roots[i] = in.readVarInt(true);
            }
            int count = bounded(in.readInt(), Wire.remaining(in) / MIN_OBJECT, "objects");
            charge((long) count * ELEMENT);
            List<Object> objects = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
                objects.add(readObject(in, i + 1));
            }
            if (in.position() != in.limit()) {
                throw new ImageException(Wire.remaining(in) + " bytes behind the last object");
            }
            for (int root : roots) {
                if (root < 1 || root > count) {
                    throw new ImageException("root object " + root + " of " + count);
                }
            }
            return new Decoded<>(objects, roots);
        } catch (KryoException | IndexOutOfBoundsException e) {
            throw new ImageException(
                    "state blob is cut short or damaged at byte " + in.position(), e);
        }
    }

    private void readSchemas(Input in) {
        int count = bounded(in.readInt(), MAX_TYPES, "types");
        for (int i = 0; i < count; i++) {
            int id = in.readVarInt(true);
            int version = in.readVarInt(true);
            RecordSchema schema = RecordSchema.parse(id, version, Wire.readString(in));
            if (schemas.putIfAbsent(id, schema) != null) {
                throw new ImageException("type #%04x twice".formatted(id));
            }
            if (!generic) {
                checkSchema(schema);
            }
        }
    }

    private void checkSchema(RecordSchema theirs) {
        RecordSerializer serializer = registry.serializer(theirs.id(), this);
        String type = "record type #%04x v%d".formatted(theirs.id(), theirs.version());
        if (serializer == null) {
            throw new ImageException(type + " is unknown to this release");
        }
        RecordSchema ours = serializer.schema();
        if (theirs.version() > ours.version()) {
            throw new ImageException(
                    type + " is newer than this release, which reads v" + ours.version());
        } else if (theirs.version() == ours.version()) {
            if (!theirs.equals(ours)) {
                throw new ImageException(type + " has other components than in this release");
            }
        } else if (registry.catalog().upgradeOf(theirs.id(), theirs.version()) == null) {
            throw new ImageException(type + " is too old for this release");
        }
    }

    private Object readObject(Input in, int id) {
        int typeId = in.readVarInt(true);
        int length = bounded(in.readInt(), Wire.remaining(in), "bytes of object " + id);
        int limit = in.limit();
        int end = in.position() + length;
        in.setLimit(end);
        try {
            Object object = readNested(in, typeId);
            if (in.position() != end) {
                throw new ImageException((end - in.position()) + " bytes too many");
            }
            return object;
        } catch (ImageException | KryoException e) {
            throw new ImageException(
                    "object %d (type #%04x): %s".formatted(id, typeId, firstLine(e)), e);
        } finally {
            in.setLimit(limit);
        }
    }

    private static String firstLine(RuntimeException e) {
        if (e instanceof KryoException) {
            return e.getClass() == KryoException.class ? "records nested too deep" : "cut short";
        }
        return String.valueOf(e.getMessage());
    }

    /** Small values can take many times their bytes in memory; the bytes of a blob alone bound nothing. */
    @Override
    void charge(long bytes) {
        memory -= bytes;
        if (memory < 0) {
            throw new ImageException("holds more than this process has memory for");
        }
    }

    @Override
    Object readNested(Input in, int typeId) {
        RecordSchema theirs = schemas.get(typeId);
        if (theirs == null) {
            throw new ImageException(
                    "record type #%04x has no schema in the image".formatted(typeId));
        }
        charge(LIST + (long) theirs.components().size() * ELEMENT);
        RecordSerializer serializer = generic ? null : registry.serializer(typeId, this);
        if (serializer != null && serializer.schema().version() == theirs.version()) {
            return registry.kryo().readObject(in, Record.class, serializer);
        }
        OldRecord old = readByName(in, theirs);
        if (generic) {
            return old;
        }
        Function<OldRecord, ? extends Record> upgrade =
                registry.catalog().upgradeOf(typeId, theirs.version());
        if (upgrade == null) {
            throw new ImageException(
                    "record type #%04x v%d is too old for this release"
                            .formatted(typeId, theirs.version()));
        }
        return upgrade.apply(old);
    }

    private OldRecord readByName(Input in, RecordSchema schema) {
        if (++depth > Registry.MAX_DEPTH) {
            throw new ImageException("records nested too deep");
        }
        Map<String, @Nullable Object> values = new LinkedHashMap<>();
        for (Component component : schema.components()) {
            values.put(component.name(), readComponent(in, component));
        }
        depth--;
        return new OldRecord(schema.id(), schema.version(), values);
    }

    private static int bounded(int count, int max, String what) {
        if (count < 0 || count > max) {
            throw new ImageException(
                    Integer.toUnsignedString(count) + " " + what + " are more than can be");
        }
        return count;
    }

    @Override
    void writeNested(Output out, int typeId, Object record) {
        throw new UnsupportedOperationException();
    }
}
