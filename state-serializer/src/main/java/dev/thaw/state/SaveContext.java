package dev.thaw.state;

import org.jspecify.annotations.Nullable;

/** Gives each object of a checkpoint its id, and sees to it that each is saved once. */
public interface SaveContext {
    /** The id of {@code object}, which is saved too if it was not yet; 0 for null. Never recurses: the object's {@code save} runs later. */
    int ref(@Nullable Saveable object);
}
