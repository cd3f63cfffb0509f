package dev.thaw.runsc.boot;

import dev.thaw.abi.Mount;
import dev.thaw.gofer.GoferClient;
import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.control.BootSpec;
import dev.thaw.runsc.control.BootSpec.BootMount;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.fs.dev.DevFilesystem;
import dev.thaw.sentry.fs.gofer.GoferFilesystem;
import dev.thaw.sentry.fs.overlay.OverlayFilesystem;
import dev.thaw.sentry.fs.proc.ProcFilesystem;
import dev.thaw.sentry.fs.sys.SysFilesystem;
import dev.thaw.sentry.fs.tmpfs.TmpfsFilesystem;
import dev.thaw.sentry.kernel.Kernel;
import dev.thaw.sentry.vfs.Filesystem;
import dev.thaw.sentry.vfs.MountNamespace;
import java.util.List;

/** Builds a sandbox's mounts: the root (a writable memory over the gofer's read-only tree) and what the configuration puts on it. */
final class MountTable {
    private MountTable() {}

    static MountNamespace build(BootSpec spec, Kernel kernel, GoferClient gofer)
            throws SandboxException, ErrnoException {
        Filesystem lower =
                new GoferFilesystem(kernel.memory(), gofer, BootSpec.CONTAINER_ROOT, true);
        Filesystem root =
                spec.rootOverlay()
                        ? new OverlayFilesystem(
                                List.of(lower), new TmpfsFilesystem(kernel.memory(), 0, 0x1ed))
                        : lower;
        MountNamespace mounts = new MountNamespace(root, 0);
        for (BootMount mount : spec.mounts()) {
            try {
                mounts.mount(
                        mount.destination(),
                        filesystem(mount, kernel, gofer),
                        flags(mount.options()),
                        mount.type());
            } catch (ErrnoException e) {
                throw SandboxException.invalid(
                        "can not mount "
                                + mount.type()
                                + " on "
                                + mount.destination()
                                + ": "
                                + e.getMessage());
            }
        }
        if (spec.rootReadOnly()) { // not before: mount points may have to be made
            mounts.remount(mounts.root(), Mount.MS_RDONLY);
        }
        return mounts;
    }

    private static Filesystem filesystem(BootMount mount, Kernel kernel, GoferClient gofer)
            throws SandboxException, ErrnoException {
        return switch (mount.type()) {
            case "bind" ->
                    new GoferFilesystem(
                            kernel.memory(), gofer, mount.root(), mount.options().contains("ro"));
            case "proc" -> new ProcFilesystem(kernel);
            case "sysfs" -> new SysFilesystem(kernel);
            case "dev" -> new DevFilesystem(kernel);
            case "tmpfs" -> new TmpfsFilesystem(kernel.memory(), size(mount), mode(mount));
            default ->
                    throw SandboxException.invalid(
                            "mounts of type \"" + mount.type() + "\" are not supported");
        };
    }

    private static int flags(List<String> options) {
        int flags = 0;
        for (String option : options) {
            flags |=
                    switch (option) {
                        case "ro" -> Mount.MS_RDONLY;
                        case "nosuid" -> Mount.MS_NOSUID;
                        case "nodev" -> Mount.MS_NODEV;
                        case "noexec" -> Mount.MS_NOEXEC;
                        case "noatime" -> Mount.MS_NOATIME;
                        case "nodiratime" -> Mount.MS_NODIRATIME;
                        case "relatime" -> Mount.MS_RELATIME;
                        default -> 0;
                    };
        }
        return flags;
    }

    private static int mode(BootMount mount) throws SandboxException {
        for (String option : mount.options()) {
            if (option.startsWith("mode=")) {
                try {
                    return Integer.parseInt(option.substring(5), 8) & 0xfff;
                } catch (NumberFormatException e) {
                    throw SandboxException.invalid(
                            "mount " + mount.destination() + ": bad option \"" + option + "\"");
                }
            }
        }
        return 0x3ff; // 1777
    }

    /** size=N with k, m, g, or % (of nothing we know: no limit). */
    private static long size(BootMount mount) throws SandboxException {
        for (String option : mount.options()) {
            if (option.startsWith("size=") && !option.endsWith("%")) {
                String text = option.substring(5);
                int shift =
                        text.endsWith("k")
                                ? 10
                                : text.endsWith("m") ? 20 : text.endsWith("g") ? 30 : 0;
                try {
                    return Long.parseLong(shift == 0 ? text : text.substring(0, text.length() - 1))
                            << shift;
                } catch (NumberFormatException e) {
                    throw SandboxException.invalid(
                            "mount " + mount.destination() + ": bad option \"" + option + "\"");
                }
            }
        }
        return 0;
    }
}
