package dev.thaw.sentry.checkpoint;

import dev.thaw.sentry.fs.dev.DevStates;
import dev.thaw.sentry.fs.event.EventStates;
import dev.thaw.sentry.fs.gofer.GoferStates;
import dev.thaw.sentry.fs.host.HostStates;
import dev.thaw.sentry.fs.overlay.OverlayStates;
import dev.thaw.sentry.fs.pipe.PipeStates;
import dev.thaw.sentry.fs.proc.ProcStates;
import dev.thaw.sentry.fs.sys.SysStates;
import dev.thaw.sentry.fs.tmpfs.TmpfsStates;
import dev.thaw.sentry.kernel.KernelStates;
import dev.thaw.sentry.mm.MmStates;
import dev.thaw.sentry.net.unix.UnixStates;
import dev.thaw.sentry.signal.SignalStates;
import dev.thaw.sentry.time.TimeStates;
import dev.thaw.sentry.vfs.VfsStates;
import dev.thaw.state.StateCatalog;

/**
 * Every record type of the Sentry's images. Ids by package: kernel 0x0100, signal 0x0180, mm 0x0200, vfs 0x0300, fs.tmpfs 0x0340, fs.overlay 0x0360, fs.gofer 0x0380,
 * fs.host 0x03a0, fs.proc 0x03c0, fs.dev 0x03e0, pipes, events and sockets 0x0400, time 0x0480.
 */
public final class SentryStates {
    /** A catalog of all packages. */
    public static StateCatalog catalog() {
        StateCatalog catalog = new StateCatalog();
        KernelStates.register(catalog);
        SignalStates.register(catalog);
        MmStates.register(catalog);
        VfsStates.register(catalog);
        TmpfsStates.register(catalog);
        OverlayStates.register(catalog);
        GoferStates.register(catalog);
        HostStates.register(catalog);
        PipeStates.register(catalog);
        EventStates.register(catalog);
        UnixStates.register(catalog);
        ProcStates.register(catalog);
        DevStates.register(catalog);
        SysStates.register(catalog);
        TimeStates.register(catalog);
        return catalog;
    }

    private SentryStates() {}
}
