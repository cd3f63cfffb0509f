package dev.thaw.runsc.cli.image;

import dev.thaw.runsc.OpenImage;
import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.cli.Table;
import dev.thaw.state.crypt.WrappedKey;
import dev.thaw.store.KeyRing;
import dev.thaw.store.Manifest;
import dev.thaw.store.StoredImage;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code runsc image inspect}. */
@Command(
        name = "inspect",
        description = "show what an image is, what it needs, and how large it is")
final class InspectCommand extends ImageSubcommand {
    private static final double MIB = 1 << 20;

    @Option(names = "--json", description = "the manifest as it is")
    boolean json;

    @Parameters(paramLabel = "IMAGE")
    String image = "";

    @Override
    int run(KeyRing ring) throws SandboxException {
        try (OpenImage opened = OpenImage.of(image, ring)) {
            System.out.print(json ? opened.image().inspect() : table(opened.image()));
        }
        return 0;
    }

    private static String table(StoredImage image) {
        Manifest m = image.manifest();
        List<List<String>> rows = new ArrayList<>();
        rows.add(List.of("id", m.id()));
        rows.add(List.of("created", m.created().toString()));
        rows.add(List.of("by", "thaw " + m.release() + ", format " + m.formatVersion()));
        rows.add(List.of("kernel", m.kernelAbi() + " on " + m.platform()));
        rows.add(List.of("machine", m.arch() + " " + String.join(" ", m.cpuFeatures())));
        if (m.parent() != null) {
            rows.add(List.of("parent", m.parent()));
        }
        for (Manifest.Container container : m.containers()) {
            rows.add(List.of("container", (container.id() + " " + container.hostname()).strip()));
        }
        m.labels().forEach((name, value) -> rows.add(List.of("label", name + "=" + value)));
        WrappedKey key = m.encryption();
        rows.add(
                List.of(
                        "encrypted",
                        key == null ? "no" : "key " + key.keyId() + ", domain " + key.domain()));
        rows.add(List.of("signed", image.isSigned() ? "yes" : "no"));
        rows.add(List.of("root", image.root().toString()));
        Manifest.Sizes s = m.sizes();
        rows.add(List.of("memory", s.pages() + " pages, " + mib(s.rawBytes())));
        rows.add(List.of("chunks", s.chunks() + ", of which new " + s.newChunks()));
        rows.add(List.of("stored", mib(s.storedBytes())));
        rows.add(
                List.of(
                        "took",
                        "%.1f ms, of which paused %.1f ms"
                                .formatted(
                                        m.times().wholeNanos() / 1e6,
                                        m.times().pauseNanos() / 1e6)));
        rows.add(List.of("file", file(m.meta())));
        rows.add(List.of("file", file(m.chunks())));
        m.packs().forEach(pack -> rows.add(List.of("file", file(pack))));
        return Table.format(rows);
    }

    private static String file(Manifest.FileRef file) {
        return file.name() + " " + file.size();
    }

    private static String mib(long bytes) {
        return "%.1f MiB".formatted(bytes / MIB);
    }
}
