package dev.thaw.sentry.loader;

import dev.thaw.platform.Registers;
import dev.thaw.sentry.mm.MemoryManager;

/**
 * A program that was loaded and did not run yet. The caller owns {@code mm}.
 *
 * @param name the task's new name (comm), at most 15 bytes
 */
public record Program(MemoryManager mm, Registers registers, String name) {}
