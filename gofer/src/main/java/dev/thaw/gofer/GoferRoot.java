package dev.thaw.gofer;

/** A tree that the gofer serves; {@code handle} names its top directory (or its file, for a bind mount of one) and is the root's index. */
public record GoferRoot(int handle, boolean readOnly, String name) {}
