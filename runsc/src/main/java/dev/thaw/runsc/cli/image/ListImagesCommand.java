package dev.thaw.runsc.cli.image;

import dev.thaw.runsc.cli.Table;
import dev.thaw.store.ImageStore;
import dev.thaw.store.Manifest;
import dev.thaw.store.StoredImage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code runsc image list}. */
@Command(name = "list", description = "list the images of a store, the oldest first")
final class ListImagesCommand extends StoreSubcommand {
    @Option(
            names = {"-q", "--quiet"},
            description = "ids only")
    boolean quiet;

    @Override
    int run(ImageStore opened) throws IOException {
        List<List<String>> rows = new ArrayList<>();
        rows.add(List.of("ID", "CREATED", "PARENT", "RAW", "STORED", "LABELS"));
        for (StoredImage image : opened.list()) {
            if (quiet) {
                System.out.println(image.id());
                continue;
            }
            Manifest manifest = image.manifest();
            rows.add(
                    List.of(
                            image.id(),
                            manifest.created().toString(),
                            manifest.parent() == null ? "-" : manifest.parent(),
                            String.valueOf(manifest.sizes().rawBytes()),
                            String.valueOf(manifest.sizes().storedBytes()),
                            labels(manifest.labels())));
        }
        if (!quiet) {
            System.out.print(Table.format(rows));
        }
        return 0;
    }

    private static String labels(Map<String, String> labels) {
        List<String> texts = new ArrayList<>();
        new TreeMap<>(labels).forEach((name, value) -> texts.add(name + "=" + value));
        return texts.isEmpty() ? "-" : String.join(",", texts);
    }
}
