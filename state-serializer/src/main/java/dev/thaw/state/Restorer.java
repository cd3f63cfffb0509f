package dev.thaw.state;

/**
 * How objects of one type come back. First {@code create} makes the bare object for each record; then {@code link} fills it, when every other object exists.
 *
 * @param <S> the state record
 * @param <T> the kernel object
 */
public interface Restorer<S extends Record, T extends Saveable> {
    T create(S state, RestoreContext context);

    void link(T object, S state, RestoreContext context);
}
