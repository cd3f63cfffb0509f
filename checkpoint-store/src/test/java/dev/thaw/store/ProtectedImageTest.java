package dev.thaw.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.thaw.state.ImageException;
import dev.thaw.state.crypt.Primitives;
import dev.thaw.state.crypt.WrappedKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images under a key and with a signature. */
final class ProtectedImageTest {
    @TempDir Path temp;

    private static String base64(int fill) {
        byte[] key = new byte[32];
        Arrays.fill(key, (byte) fill);
        return Base64.getEncoder().encodeToString(key);
    }

    private KeyRing ring(String... lines) throws IOException {
        Path file = temp.resolve("keys");
        Files.deleteIfExists(file);
        Files.createFile(
                file,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.write(file, List.of(lines));
        return KeyRing.read(file, null, () -> Primitives.JDK);
    }

    private static WrappedKey key(StoredImage image) {
        return Objects.requireNonNull(image.manifest().encryption());
    }

    private StoredImage encrypted(ImageDraft draft, KeyRing ring, List<StoredImage> relatives)
            throws IOException {
        return Images.commit(draft.encrypt(ring, ring.idForNew(null), relatives), Images.dull(70))
                .with(ring);
    }

    @Test
    void anEncryptedImageComesBackWithItsKeyAndSaysWhichIsMissing() throws IOException {
        KeyRing ring = ring("# ours", "", "k1 " + base64(1), "k2 " + base64(2));
        Path directory = temp.resolve("image");
        StoredImage image = encrypted(ImageDirectory.create(directory), ring, List.of());
        Forgery.restore(image);
        image.verify();
        assertThat(image.faults()).isEmpty();

        StoredImage locked = ImageDirectory.open(directory);
        assertThat(locked.isReadable()).isFalse();
        locked.checkFiles();
        assertThat(locked.faults()).isEmpty();
        assertThatThrownBy(locked::verify)
                .isInstanceOf(ImageException.class)
                .hasMessageContaining("key \"k1\", which was not given");
        assertThatThrownBy(() -> locked.with(ring("k1 " + base64(9))).readMeta())
                .isInstanceOf(ImageException.class)
                .hasMessageContaining("another key \"k1\"");
        for (Path file : StoreFiles.list(directory, "*")) {
            assertThat(Files.readString(file, java.nio.charset.StandardCharsets.ISO_8859_1))
                    .as(file.toString())
                    .doesNotContain("second", "THAWSTAT");
        }
    }

    @Test
    void imagesOfOneStoreShareChunksUnderOneKeyAndNotWithThoseInClear() throws IOException {
        KeyRing ring = ring("k1 " + base64(1));
        LocalImageStore store = new LocalImageStore(temp.resolve("store"));
        StoredImage first = encrypted(store.begin(), ring, store.list());
        StoredImage second = encrypted(store.begin(), ring, store.list());
        assertThat(second.manifest().sizes().newChunks()).isZero();
        assertThat(key(second).domain()).isEqualTo(key(first).domain());
        StoredImage clear = Images.commit(store.begin(), Images.dull(70));
        assertThat(clear.manifest().sizes().newChunks()).isEqualTo(2);
        KeyRing other = ring("other " + base64(5));
        StoredImage alien = encrypted(store.begin(), other, store.list());
        assertThat(alien.manifest().sizes().newChunks()).isEqualTo(2);
        assertThat(store.verify()).isEmpty();
        Forgery.restore(second);
        Forgery.restore(alien);
        Forgery.restore(clear);
    }

    @Test
    void rekeyingChangesTheManifestOnlyAndKeepsRootAndSignature() throws Exception {
        Path directory = temp.resolve("image");
        KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        KeyRing ring = ring("k1 " + base64(1), "k2 " + base64(2));
        ImageDraft draft = ImageDirectory.create(directory).sign(ImageSigner.read(pem(pair, true)));
        StoredImage image = encrypted(draft, ring, List.of());
        byte[] pack = Files.readAllBytes(image.packs().getFirst());
        StoredImage changed = image.rekey("k2");
        assertThat(changed.root()).isEqualTo(image.root());
        assertThat(key(changed).keyId()).isEqualTo("k2");
        changed.checkTrust(ImageTrust.read(pem(pair, false)));
        assertThat(Files.readAllBytes(changed.packs().getFirst())).isEqualTo(pack);
        Forgery.restore(ImageDirectory.open(directory).with(ring("k2 " + base64(2))));
        assertThatThrownBy(() -> changed.rekey("k3"))
                .isInstanceOf(ImageException.class)
                .hasMessageContaining("\"k3\"");
    }

    @Test
    void onlyImagesSignedByATrustedKeyAreTaken() throws Exception {
        Path directory = temp.resolve("image");
        KeyPair ours = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        ImageSigner signer = ImageSigner.read(pem(ours, true));
        ImageTrust trust = ImageTrust.read(pem(ours, false));
        Images.commit(ImageDirectory.create(directory).sign(signer), Images.dull(3));
        ImageDirectory.open(directory).checkTrust(trust);

        KeyPair theirs = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        ImageTrust other = ImageTrust.read(pem(theirs, false));
        assertThatThrownBy(() -> ImageDirectory.open(directory).checkTrust(other))
                .hasMessageContaining("signed by nobody in");

        Forgery.text(
                directory, text -> text.replace("\"hostname\" : \"h\"", "\"hostname\" : \"evil\""));
        StoredImage forged = ImageDirectory.open(directory);
        assertThatThrownBy(() -> forged.checkTrust(trust)).hasMessageContaining("signed by nobody");

        Images.commit(ImageDirectory.create(directory), Images.dull(3));
        assertThatThrownBy(() -> ImageDirectory.open(directory).checkTrust(trust))
                .hasMessageContaining("is not signed");
    }

    private Path pem(KeyPair pair, boolean isPrivate) throws IOException {
        String kind = isPrivate ? "PRIVATE KEY" : "PUBLIC KEY";
        byte[] der = (isPrivate ? pair.getPrivate() : pair.getPublic()).getEncoded();
        return Files.writeString(
                Files.createTempFile(temp, "key", ".pem"),
                "-----BEGIN "
                        + kind
                        + "-----\n"
                        + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der)
                        + "\n-----END "
                        + kind
                        + "-----\n");
    }

    @Test
    void keyFilesThatAreOpenOrWrongAreRefusedWithoutTheirContent() throws IOException {
        Path file = temp.resolve("keys");
        String secret = base64(7);
        ring("k1 " + secret);
        for (String mode : List.of("rw-r-----", "rw----r--", "rw--w----")) {
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
            assertThatThrownBy(() -> KeyRing.read(file, null, () -> Primitives.JDK))
                    .isInstanceOf(ImageException.class)
                    .hasMessageContaining("open to others");
        }
        for (String line : List.of(secret, "a b c", "k1 " + secret + "AAAA", "../x " + secret)) {
            assertThatThrownBy(() -> ring(line))
                    .isInstanceOf(ImageException.class)
                    .message()
                    .contains("line 1")
                    .doesNotContain(secret);
        }
        assertThatThrownBy(() -> ring("k1 " + secret, "k1 " + secret))
                .hasMessageContaining("already");
        assertThatThrownBy(() -> KeyRing.read(null, secret, () -> Primitives.JDK))
                .hasMessageContaining("ID:BASE64")
                .message()
                .doesNotContain(secret);
        KeyRing.read(null, "k1:" + secret, () -> Primitives.JDK).idForNew("k1");
    }

    /** What is flipped in an encrypted image is found without its key. */
    @Test
    void everyFlippedByteOfAnEncryptedImageIsFoundWithoutTheKey() throws IOException {
        Path directory = temp.resolve("image");
        KeyRing ring = ring("k1 " + base64(1));
        encrypted(ImageDirectory.create(directory), ring, List.of());
        for (Path file : StoreFiles.list(directory, "*")) {
            byte[] bytes = Files.readAllBytes(file);
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] ^= 4;
                Files.write(file, bytes);
                assertThatThrownBy(() -> ImageDirectory.open(directory).checkFiles())
                        .isInstanceOf(ImageException.class);
                bytes[i] ^= 4;
            }
            Files.write(file, bytes);
        }
    }
}
