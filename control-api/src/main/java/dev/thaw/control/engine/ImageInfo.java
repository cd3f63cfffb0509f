package dev.thaw.control.engine;

/** What making an image gave: its id, bytes of guest memory and state, bytes stored, and how long the guest stood still. */
public record ImageInfo(String id, long bytes, long storedBytes, long pausedNanos) {}
