package dev.thaw.state.image;

import dev.thaw.state.ImageException;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.Saveable;
import dev.thaw.state.StateCatalog;
import dev.thaw.state.kryo.RecordDecoder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Brings the objects of a state blob back: decode all, create all, link all. A fault in the blob is an {@link ImageException} that names the object. */
public final class StateReader implements RestoreContext {
    private final StateCatalog catalog;
    private final Map<Class<?>, Object> services = new HashMap<>();
    private final List<Runnable> afterLink = new ArrayList<>();
    private @Nullable Saveable[] objects = new @Nullable Saveable[0];

    public StateReader(StateCatalog catalog) {
        this.catalog = catalog;
    }

    /** Offers {@code service} to the restorers. */
    public <T> StateReader with(Class<T> type, T service) {
        services.put(type, service);
        return this;
    }

    /** Restores the objects of {@code blob} and returns its roots. */
    public List<Saveable> read(byte[] blob) {
        RecordDecoder.Decoded<Record> decoded = RecordDecoder.decode(catalog, blob);
        List<Record> records = decoded.objects();
        objects = new @Nullable Saveable[records.size()];
        for (int i = 0; i < objects.length; i++) {
            Record state = records.get(i);
            try {
                objects[i] = restorer(state).create(state, this);
            } catch (RuntimeException e) {
                throw fault(i + 1, state, e);
            }
        }
        for (int i = 0; i < objects.length; i++) {
            Record state = records.get(i);
            try {
                restorer(state).link(get(i + 1, Saveable.class), state, this);
            } catch (RuntimeException e) {
                throw fault(i + 1, state, e);
            }
        }
        for (int i = 0; i < afterLink.size(); i++) {
            try {
                afterLink.get(i).run();
            } catch (ImageException e) {
                throw e;
            } catch (RuntimeException e) {
                throw new ImageException("state can not be restored: " + e, e);
            }
        }
        List<Saveable> roots = new ArrayList<>();
        for (int id : decoded.roots()) {
            roots.add(get(id, Saveable.class));
        }
        return roots;
    }

    @SuppressWarnings("unchecked") // the catalog pairs each state type with its own restorer
    private Restorer<Record, Saveable> restorer(Record state) {
        StateCatalog.Entry entry = catalog.entries().get(catalog.idOf(state.getClass()));
        if (entry == null || entry.restorer() == null) {
            throw new ImageException("is a value, no object");
        }
        return (Restorer<Record, Saveable>) entry.restorer();
    }

    private static ImageException fault(int id, Record state, RuntimeException e) {
        String type = state.getClass().getName();
        String why = e instanceof ImageException ? String.valueOf(e.getMessage()) : e.toString();
        return new ImageException(
                "object " + id + " (" + type.substring(type.lastIndexOf('.') + 1) + "): " + why, e);
    }

    @Override
    public <T> T get(int id, Class<T> type) {
        Saveable object = id >= 1 && id <= objects.length ? objects[id - 1] : null;
        if (!type.isInstance(object)) {
            throw new ImageException("object " + id + " is no " + type.getSimpleName());
        }
        return type.cast(object);
    }

    @Override
    public <T> @Nullable T getOrNull(int id, Class<T> type) {
        return id == 0 ? null : get(id, type);
    }

    @Override
    public void afterLink(Runnable action) {
        afterLink.add(action);
    }

    @Override
    public <T> T service(Class<T> type) {
        Object service = services.get(type);
        if (service == null) {
            throw new IllegalStateException("no service " + type.getName());
        }
        return type.cast(service);
    }
}
