package dev.thaw.sentry.kernel;

/** A process: the tasks that share a pid (Linux: {@code struct signal_struct}). */
public final class ThreadGroup {}
