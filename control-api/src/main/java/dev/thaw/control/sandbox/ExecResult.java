package dev.thaw.control.sandbox;

/**
 * How a program that was run in a sandbox ended.
 *
 * @param exitCode 128 + n after signal n
 * @param truncated whether there was more output than is kept
 * @param timedOut whether it was killed because its time was over
 */
public record ExecResult(
        int exitCode, String stdout, String stderr, boolean truncated, boolean timedOut) {}
