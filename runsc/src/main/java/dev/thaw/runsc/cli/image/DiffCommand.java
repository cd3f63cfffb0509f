package dev.thaw.runsc.cli.image;

import dev.thaw.runsc.OpenImage;
import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.StateNames;
import dev.thaw.store.KeyRing;
import dev.thaw.store.diff.ImageDiff;
import dev.thaw.store.diff.PageDiff;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code runsc image diff}. */
@Command(
        name = "diff",
        description = "say what kernel objects, pages and files differ; 0 when none do")
final class DiffCommand extends ImageSubcommand {
    @Option(
            names = {"-q", "--quiet"},
            description = "counts only")
    boolean quiet;

    @Parameters(paramLabel = "BEFORE", index = "0")
    String before = "";

    @Parameters(paramLabel = "AFTER", index = "1")
    String after = "";

    @Override
    int run(KeyRing ring) throws SandboxException, IOException {
        try (OpenImage first = OpenImage.of(before, ring);
                OpenImage second = OpenImage.of(after, ring)) {
            ImageDiff diff = ImageDiff.of(first.image(), second.image(), StateNames::of);
            print(diff);
            return diff.isEmpty() ? 0 : 1;
        }
    }

    private void print(ImageDiff diff) {
        System.out.println(
                "objects: "
                        + diff.objectsBefore()
                        + " before, "
                        + diff.objectsAfter()
                        + " after, "
                        + diff.objects().size()
                        + " differ");
        changes(diff.objects());
        PageDiff pages = diff.pages();
        System.out.println(
                "pages: "
                        + pages.same()
                        + " the same, "
                        + pages.changed()
                        + " changed, "
                        + pages.onlyBefore()
                        + " only before, "
                        + pages.onlyAfter()
                        + " only after");
        if (!quiet) {
            for (PageDiff.Range range : pages.ranges()) {
                System.out.println(
                        "  ~ 0x%x-0x%x".formatted(range.offset(), range.offset() + range.length()));
            }
        }
        System.out.println("files: " + diff.files().size() + " differ");
        changes(diff.files());
    }

    private void changes(List<ImageDiff.Change> changes) {
        if (!quiet) {
            for (ImageDiff.Change change : changes) {
                System.out.println("  " + change.kind().sign() + " " + change.what());
            }
        }
    }
}
