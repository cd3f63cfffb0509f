package dev.thaw.runsc.cli.image;

import dev.thaw.runsc.OpenImage;
import dev.thaw.runsc.SandboxException;
import dev.thaw.state.ImageException;
import dev.thaw.store.Collected;
import dev.thaw.store.ImageStore;
import dev.thaw.store.Stores;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Option;

/** What the commands on a store have in common. */
abstract class StoreSubcommand implements Callable<Integer> {
    @Option(
            names = "--store",
            required = true,
            paramLabel = "STORE",
            description = "a directory, or s3://BUCKET/PREFIX")
    String store = "";

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "show this help")
    boolean help;

    @Override
    public final Integer call() throws SandboxException {
        if (!store.contains("://") && !Files.isDirectory(Path.of(store))) {
            throw SandboxException.invalid("no store at " + store);
        }
        try (ImageStore opened = Stores.open(store)) {
            return run(opened);
        } catch (ImageException e) {
            throw SandboxException.invalid(String.valueOf(e.getMessage()));
        } catch (IOException e) {
            throw SandboxException.internal(String.valueOf(OpenImage.explain(e)));
        }
    }

    abstract int run(ImageStore opened) throws SandboxException, IOException;

    /** Tells what a collection did; the exit code. */
    static int report(Collected done) {
        for (String problem : done.problems()) {
            System.err.println("runsc: " + problem);
        }
        System.out.println(
                done.files()
                        + " files removed, "
                        + done.rewritten()
                        + " packs rewritten, "
                        + done.bytes()
                        + " bytes freed");
        return done.problems().isEmpty() ? 0 : 1;
    }
}
