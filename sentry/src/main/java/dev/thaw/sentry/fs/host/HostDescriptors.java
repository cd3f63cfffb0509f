package dev.thaw.sentry.fs.host;

/** The host descriptors that a restoring process offers in the place of those a checkpointed sandbox had. */
public interface HostDescriptors {
    /** The descriptor that stands for number {@code index}, or -1: reads then see the end of file, writes vanish. */
    int fd(int index);
}
