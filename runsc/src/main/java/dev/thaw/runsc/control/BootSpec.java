package dev.thaw.runsc.control;

import dev.thaw.host.WireException;
import dev.thaw.host.WireReader;
import dev.thaw.host.WireWriter;
import dev.thaw.runsc.oci.ProcessConfig;
import java.util.ArrayList;
import java.util.List;

/**
 * What a fresh sandbox process is to become: sent as the first message of its boot socket, so that the process needs neither JSON nor the bundle. With
 * {@code killableInit} takes init's protection from signals it does not handle: for a command in the foreground, which a user wants to interrupt. With
 * {@code imageFiles} (descriptors: meta, chunk index, packs) and {@code imageKey} (its data key; empty: in clear) it is a restore: what runs is in the image, and mounts say what its file systems connect to.
 */
public record BootSpec(
        String id,
        String platform,
        String hostname,
        boolean strace,
        boolean confine,
        boolean start,
        int imageFiles,
        byte[] imageKey,
        boolean rootReadOnly,
        boolean rootOverlay,
        boolean killableInit,
        long memoryLimit,
        long pidsLimit,
        List<BootMount> mounts,
        ProcessConfig process) {

    /** A mount below the root. {@code root} is the gofer's root to attach (bind mounts), else -1. */
    public record BootMount(String destination, String type, int root, List<String> options) {}

    /** The gofer root of the container's root directory; bind mounts follow it. */
    public static final int CONTAINER_ROOT = 0;

    public void write(WireWriter out) throws WireException {
        out.utf8(id).utf8(platform).utf8(hostname);
        out.u8(
                (strace ? 1 : 0)
                        | (confine ? 2 : 0)
                        | (start ? 4 : 0)
                        | (rootReadOnly ? 16 : 0)
                        | (rootOverlay ? 32 : 0)
                        | (killableInit ? 64 : 0));
        out.i32(imageFiles).bytes(imageKey).i64(memoryLimit).i64(pidsLimit).i32(mounts.size());
        for (BootMount mount : mounts) {
            out.string(mount.destination).utf8(mount.type).i32(mount.root);
            ProcessCodec.strings(out, mount.options);
        }
        ProcessCodec.write(out, process);
    }

    public static BootSpec read(WireReader in) throws WireException {
        String id = in.utf8();
        String platform = in.utf8();
        String hostname = in.utf8();
        int flags = in.u8();
        int imageFiles = in.i32();
        byte[] imageKey = in.bytes();
        long memoryLimit = in.i64();
        long pidsLimit = in.i64();
        ArrayList<BootMount> mounts = new ArrayList<>();
        for (int left = in.count(16); left > 0; left--) {
            mounts.add(new BootMount(in.string(), in.utf8(), in.i32(), ProcessCodec.strings(in)));
        }
        ProcessConfig process = ProcessCodec.read(in);
        in.end();
        return new BootSpec(
                id,
                platform,
                hostname,
                (flags & 1) != 0,
                (flags & 2) != 0,
                (flags & 4) != 0,
                imageFiles,
                imageKey,
                (flags & 16) != 0,
                (flags & 32) != 0,
                (flags & 64) != 0,
                memoryLimit,
                pidsLimit,
                mounts,
                process);
    }
}
