package dev.thaw.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** {@code runsc image}, and images under keys and signatures. */
class ImageIT {
    private static final String SECRET = "hunter2-and-then-some";
    private static final String SCRIPT =
            "PASSWORD=" + SECRET + "; i=0; while :; do i=$((i+1)); echo n $i; sleep 0.05; done";

    private static void assertRefused(Runsc.Result result, String... words) {
        assertThat(result.status()).as(result.err()).isNotZero();
        assertThat(result.err().strip().lines().toList()).as(result.err()).hasSize(1);
        assertThat(result.err()).contains(words);
    }

    private static String checkpoint(Runsc runsc, String image, String... options) {
        return runsc.run(
                        Stream.of(
                                        Stream.of(
                                                "checkpoint",
                                                "--leave-running",
                                                "--image-path",
                                                image),
                                        Stream.of(options),
                                        Stream.of("a"))
                                .flatMap(s -> s)
                                .toArray(String[]::new))
                .succeeds()
                .out()
                .strip();
    }

    private static Path keys(Runsc runsc, String name, String... ids) throws IOException {
        Path file =
                Files.createFile(
                        runsc.work().resolve(name),
                        PosixFilePermissions.asFileAttribute(
                                PosixFilePermissions.fromString("rw-------")));
        StringBuilder lines = new StringBuilder();
        for (String id : ids) {
            byte[] key = new byte[32];
            new Random(id.hashCode()).nextBytes(key);
            lines.append(id)
                    .append(' ')
                    .append(Base64.getEncoder().encodeToString(key))
                    .append('\n');
        }
        return Files.writeString(file, lines);
    }

    /** The number in the last whole line of a sandbox's output, once there is one. */
    private static int last(Path output) {
        Runsc.awaitGrowth(output, 20);
        String text = Runsc.read(output);
        String whole = text.substring(0, text.lastIndexOf('\n'));
        return Integer.parseInt(whole.substring(whole.lastIndexOf(' ') + 1));
    }

    @Test
    void encryptedAndSigned_restoresWithItsKeyOnly() throws Exception {
        try (Runsc runsc = new Runsc("systrap")) {
            Path bundle = runsc.bundle("/bin/busybox", "sh", "-c", SCRIPT);
            Runsc.awaitText(runsc.runDetached("a", bundle), "n 3\n");
            Path image = runsc.work().resolve("image");
            Path both = keys(runsc, "both", "k1", "k2");
            Path pem = runsc.work().resolve("sign.pem");
            Path trusted = runsc.work().resolve("trust.pem");
            Native.run(
                    java.util.List.of(
                            "openssl", "genpkey", "-algorithm", "ed25519", "-out", pem.toString()));
            Native.run(
                    java.util.List.of(
                            "openssl",
                            "pkey",
                            "-in",
                            pem.toString(),
                            "-pubout",
                            "-out",
                            trusted.toString()));
            checkpoint(
                    runsc,
                    image.toString(),
                    "--key-file",
                    both.toString(),
                    "--sign-key",
                    pem.toString());
            try (Stream<Path> files = Files.list(image)) {
                for (Path file : files.toList()) {
                    assertThat(Files.readString(file, StandardCharsets.ISO_8859_1))
                            .as(file.toString())
                            .doesNotContain(SECRET, "busybox");
                }
            }
            String[] restore = {
                "restore",
                "--detach",
                "--bundle",
                bundle.toString(),
                "--image-path",
                image.toString()
            };
            assertRefused(runsc.run(with(restore, "b")), "\"k1\"", "not given");
            Path wrong = keys(runsc, "wrong", "k3");
            assertRefused(runsc.run(with(restore, "--key-file", wrong.toString(), "b")), "\"k1\"");
            runsc.run(
                            "image",
                            "rekey",
                            "--key-file",
                            both.toString(),
                            "--to",
                            "k2",
                            image.toString())
                    .succeeds();
            Path second = keys(runsc, "second", "k2");
            runsc.run(
                            "image",
                            "verify",
                            "--key-file",
                            second.toString(),
                            "--trust",
                            trusted.toString(),
                            image.toString())
                    .succeeds();
            Path output = runsc.work().resolve("restored");
            Runsc.await(
                            runsc.start(
                                    java.util.List.of(
                                            with(
                                                    restore,
                                                    "--key-file",
                                                    second.toString(),
                                                    "--trust",
                                                    trusted.toString(),
                                                    "b")),
                                    output),
                            60)
                    .succeeds();
            assertThat(last(output)).isGreaterThan(3);

            reseal(image, text -> text.replace("\"hostname\" : \"", "\"hostname\" : \"evil"));
            assertRefused(
                    runsc.run(
                            with(
                                    restore,
                                    "--key-file",
                                    second.toString(),
                                    "--trust",
                                    trusted.toString(),
                                    "c")),
                    "signed by nobody");
        }
    }

    private static String[] with(String[] command, String... more) {
        return Stream.concat(Stream.of(command), Stream.of(more)).toArray(String[]::new);
    }

    @Test
    void exported_comesBackFromTarAndOciLayout() throws IOException {
        try (Runsc runsc = new Runsc("systrap")) {
            Path bundle = runsc.bundle("/bin/busybox", "sh", "-c", SCRIPT);
            Runsc.awaitText(runsc.runDetached("a", bundle), "n 3\n");
            String store = runsc.work().resolve("store") + "#";
            String first = store + checkpoint(runsc, store);
            String second = store + checkpoint(runsc, store);
            assertThat(runsc.run("image", "inspect", second).succeeds().out())
                    .contains("container", "chunks", "encrypted   no");
            assertThat(runsc.run("image", "dump", second).succeeds().out())
                    .contains("\"TaskState\"");
            Runsc.Result diff = runsc.run("image", "diff", first, second);
            assertThat(diff.out()).contains("~ TaskState object", "pages: ", "files: ");
            assertThat(runsc.run("image", "diff", first, first).succeeds().out())
                    .contains("0 changed, 0 only before, 0 only after");

            String tar = runsc.work().resolve("image.tar").toString();
            String layout = runsc.work().resolve("layout").toString();
            runsc.run("image", "export", second, tar).succeeds();
            runsc.run("image", "export", "--oci", second, layout).succeeds();
            for (String file : new String[] {tar, layout}) {
                Path image = runsc.work().resolve("from-" + Path.of(file).getFileName());
                runsc.run("image", "import", file, image.toString()).succeeds();
                runsc.run("image", "check", image.toString()).succeeds();
                Path output = runsc.restoreDetached("r" + image.getFileName(), image, bundle);
                assertThat(last(output)).isGreaterThan(3);
            }
            Path cut = runsc.work().resolve("cut.tar");
            byte[] whole = Files.readAllBytes(Path.of(tar));
            Files.write(cut, java.util.Arrays.copyOf(whole, whole.length / 2));
            Path none = runsc.work().resolve("none");
            assertRefused(
                    runsc.run("image", "import", cut.toString(), none.toString()), "cut short");
            assertThat(none).doesNotExist();
        }
    }

    @Test
    void check_namesEveryReason() throws IOException {
        try (Runsc runsc = new Runsc("systrap")) {
            Path bundle = runsc.bundle("/bin/busybox", "sh", "-c", SCRIPT);
            Runsc.awaitText(runsc.runDetached("a", bundle), "n 3\n");
            Path image = runsc.work().resolve("image");
            checkpoint(runsc, image.toString());
            runsc.run("image", "check", image.toString()).succeeds();
            reseal(
                    image,
                    text ->
                            text.replaceFirst(
                                            "\"cpuFeatures\" : \\[ ",
                                            "\"cpuFeatures\" : [ \"avx4096\", ")
                                    .replaceFirst(
                                            "\"arch\" : \"[a-z0-9]+\"", "\"arch\" : \"riscv64\""));
            Runsc.Result result = runsc.run("image", "check", image.toString());
            assertThat(result.status()).isEqualTo(1);
            assertThat(result.out()).contains("riscv64").contains("lacks: avx4096");
            assertRefused(
                    runsc.run(
                            "restore",
                            "--detach",
                            "--bundle",
                            bundle.toString(),
                            "--image-path",
                            image.toString(),
                            "b"),
                    "riscv64");
        }
    }

    /** Changes a manifest as an attacker would, with its hashes made right. */
    private static void reseal(Path image, java.util.function.UnaryOperator<String> change)
            throws IOException {
        Path file = image.resolve("manifest.json");
        String text = change.apply(Files.readString(file));
        String head = text.substring(0, text.lastIndexOf(",\n  \"encryption\" : "));
        text =
                text.replaceFirst(
                        "\n {2}\"root\" : \"[0-9a-f]{64}\"",
                        "\n  \"root\" : \"" + hash(head) + "\"");
        String body = text.substring(0, text.lastIndexOf(",\n  \"sha256\" : "));
        Files.writeString(file, body + ",\n  \"sha256\" : \"" + hash(body) + "\"\n}\n");
    }

    private static String hash(String text) {
        try {
            return HexFormat.of()
                    .formatHex(
                            MessageDigest.getInstance("SHA-256")
                                    .digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
