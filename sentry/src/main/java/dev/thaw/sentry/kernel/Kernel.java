package dev.thaw.sentry.kernel;

/** One sandbox's kernel: its tasks, its memory file, its clocks. */
public final class Kernel {}
