package dev.thaw.runsc;

import dev.thaw.abi.Errno;
import dev.thaw.abi.Fcntl;
import dev.thaw.host.HostFiles;
import dev.thaw.runsc.control.ControlClient;
import dev.thaw.sentry.kernel.KernelVersion;
import dev.thaw.state.ImageException;
import dev.thaw.store.ImageDraft;
import dev.thaw.store.ImageFacts;
import dev.thaw.store.Manifest;
import dev.thaw.store.StoredImage;
import dev.thaw.store.VerifiedFiles;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** How image files come to a sandbox process, which can open none: as descriptors. */
final class Images {
    private static final int O_DIRECT = 0x4000;

    private Images() {}

    /** Has the sandbox behind {@code client} fill {@code draft}, and makes an image of it. */
    static StoredImage write(
            ControlClient client, ImageDraft draft, boolean leaveRunning, ImageFacts facts)
            throws SandboxException {
        ArrayList<Integer> fds = new ArrayList<>();
        try (draft) {
            int create = Fcntl.O_RDWR | Fcntl.O_CREAT | Fcntl.O_EXCL;
            int pack =
                    HostFiles.open(
                            draft.pack().toString(), create | O_DIRECT | Fcntl.O_CLOEXEC, 0x180);
            fds.add(
                    pack == -Errno.EINVAL
                            ? open(draft.pack(), create)
                            : check(draft.pack(), pack)); // tmpfs knows no O_DIRECT
            fds.add(open(draft.meta(), create));
            StoredImage parent = draft.parent();
            if (parent != null) {
                fds.add(open(parent.meta(), Fcntl.O_RDONLY));
            }
            Path known = draft.known();
            if (known != null) {
                fds.add(open(known, Fcntl.O_RDONLY));
            }
            ControlClient.Checkpointed done = checkpoint(client, leaveRunning, draft, array(fds));
            return draft.commit(
                    new ImageFacts(
                            facts.release(),
                            facts.kernelAbi(),
                            facts.platform(),
                            facts.containers(),
                            facts.spec(),
                            facts.labels(),
                            done.pausedNanos()));
        } catch (IOException e) {
            throw SandboxException.internal("can not write the image: " + explain(e));
        } catch (ImageException e) {
            throw new SandboxException(
                    SandboxException.Kind.INTERNAL,
                    "can not write the image: " + e.getMessage(),
                    e);
        } finally {
            close(fds);
        }
    }

    private static ControlClient.Checkpointed checkpoint(
            ControlClient client, boolean leaveRunning, ImageDraft draft, int[] fds)
            throws SandboxException {
        byte[] key = ImageKeys.bytes(draft.dataKey());
        try {
            return client.checkpoint(leaveRunning, key, draft.parent() != null, fds);
        } finally {
            Arrays.fill(key, (byte) 0);
        }
    }

    /** The descriptors a restore needs: meta, chunk index, packs; the caller closes them. */
    static int[] open(StoredImage image) throws SandboxException {
        ArrayList<Integer> fds = new ArrayList<>();
        boolean done = false;
        try {
            image.checkHost();
            fds.add(open(image.meta(), Fcntl.O_RDONLY));
            fds.add(open(image.chunks(), Fcntl.O_RDONLY));
            for (Path pack : image.packs()) {
                fds.add(open(pack, Fcntl.O_RDONLY));
            }
            done = true;
            return array(fds);
        } catch (ImageException e) {
            throw new SandboxException(
                    SandboxException.Kind.INVALID, String.valueOf(e.getMessage()), e);
        } finally {
            if (!done) {
                close(fds);
            }
        }
    }

    /** Throws unless every byte of the image is as it was written; packs that this machine has read before and that did not change since are not read again. */
    static void check(RuntimeOptions options, StoredImage image) throws SandboxException {
        try {
            image.checkFiles(verified(options));
        } catch (ImageException e) {
            throw new SandboxException(
                    SandboxException.Kind.INVALID, String.valueOf(e.getMessage()), e);
        }
    }

    static VerifiedFiles verified(RuntimeOptions options) {
        return new VerifiedFiles(options.root().path().resolve(".verified"));
    }

    static void close(int[] fds) {
        for (int fd : fds) {
            HostFiles.close(fd);
        }
    }

    static ImageFacts facts(
            String id, String hostname, String platform, String spec, Map<String, String> labels) {
        return new ImageFacts(
                "0.1.0",
                "linux-" + KernelVersion.RELEASE + "-amd64",
                platform,
                List.of(new Manifest.Container(id, hostname)),
                spec,
                labels,
                0);
    }

    static String explain(IOException e) {
        return e instanceof FileSystemException f && f.getReason() != null
                ? f.getFile() + ": " + f.getReason()
                : e.toString();
    }

    private static int open(Path file, int flags) throws SandboxException {
        return check(file, HostFiles.open(file.toString(), flags | Fcntl.O_CLOEXEC, 0x180));
    }

    private static int check(Path file, int fd) throws SandboxException {
        if (fd == -Errno.ENOENT) {
            throw SandboxException.invalid(file + " is missing");
        }
        if (fd < 0) {
            throw SandboxException.internal("can not open " + file + ": " + Errno.name(-fd));
        }
        return fd;
    }

    private static int[] array(List<Integer> list) {
        int[] array = new int[list.size()];
        for (int i = 0; i < array.length; i++) {
            array[i] = list.get(i);
        }
        return array;
    }

    private static void close(List<Integer> fds) {
        for (int fd : fds) {
            HostFiles.close(fd);
        }
    }
}
