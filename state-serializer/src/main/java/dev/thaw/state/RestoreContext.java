package dev.thaw.state;

import org.jspecify.annotations.Nullable;

/** The second pass of a restore: every object exists, now they are linked. */
public interface RestoreContext {
    /** The object with this id. Throws {@link ImageException} when there is none or it is no {@code type}. */
    <T> T get(int id, Class<T> type);

    /** As {@link #get}, with null for id 0. */
    <T> @Nullable T getOrNull(int id, Class<T> type);

    /** Runs {@code action} after every object was linked. */
    void afterLink(Runnable action);

    /** A service the restoring process offers (platform, memory file, gofer clients, …), by its type. */
    <T> T service(Class<T> type);
}
