package dev.thaw.state;

/** A kernel object that outlives a checkpoint. Called only while the kernel is paused, so no lock is needed. */
public interface Saveable {
    /**
     * Says the object's state as a record that is a {@link StateType}; other objects are named by {@link SaveContext#ref}. The record's arrays and lists are its own (or never change): it is encoded when
     * the kernel may run again.
     */
    Record save(SaveContext context);
}
