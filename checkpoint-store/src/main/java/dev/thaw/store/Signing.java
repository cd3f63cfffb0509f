package dev.thaw.store;

import dev.thaw.state.ImageException;
import dev.thaw.state.image.ContentHash;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.NamedParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Ed25519 signatures of images, with keys in PEM files as {@code openssl genpkey -algorithm ed25519} and {@code openssl pkey -pubout} write them. */
final class Signing {
    private static final int MAX_FILE = 1 << 20;
    private static final Pattern PEM =
            Pattern.compile("-----BEGIN ([A-Z ]+)-----([A-Za-z0-9+/=\\s]+)-----END \\1-----");

    /** What is signed: bytes that no other use of the key signs. */
    static byte[] message(ContentHash root) {
        return ("thaw image 1 root " + root + "\n").getBytes(StandardCharsets.US_ASCII);
    }

    /** The private key in {@code file}. */
    static PrivateKey privateKey(Path file) {
        List<byte[]> keys = pem(file, "PRIVATE KEY");
        if (keys.size() != 1) {
            throw new ImageException(
                    file + " holds " + keys.size() + " private keys, not one (PEM, PKCS #8)");
        }
        try {
            return factory().generatePrivate(new PKCS8EncodedKeySpec(keys.getFirst()));
        } catch (GeneralSecurityException e) {
            throw new ImageException(file + " holds no Ed25519 private key", e);
        } finally {
            Arrays.fill(keys.getFirst(), (byte) 0);
        }
    }

    /** The public keys in {@code file}. */
    static List<PublicKey> publicKeys(Path file) {
        List<PublicKey> keys = new ArrayList<>();
        for (byte[] bytes : pem(file, "PUBLIC KEY")) {
            try {
                keys.add(factory().generatePublic(new X509EncodedKeySpec(bytes)));
            } catch (GeneralSecurityException e) {
                throw new ImageException(file + " holds a public key that is not Ed25519", e);
            }
        }
        if (keys.isEmpty()) {
            throw new ImageException(file + " holds no public key (PEM)");
        }
        return keys;
    }

    static byte[] sign(PrivateKey key, ContentHash root) {
        try {
            Signature signature = Signature.getInstance("Ed25519");
            signature.initSign(key);
            signature.update(message(root));
            return signature.sign();
        } catch (GeneralSecurityException e) {
            throw new ImageException("can not be signed: " + e.getMessage(), e);
        }
    }

    static boolean isSignedBy(PublicKey key, ContentHash root, byte[] value) {
        try {
            Signature signature = Signature.getInstance("Ed25519");
            signature.initVerify(key);
            signature.update(message(root));
            return signature.verify(value);
        } catch (GeneralSecurityException e) {
            return false; // no signature at all
        }
    }

    private static KeyFactory factory() throws GeneralSecurityException {
        return KeyFactory.getInstance(NamedParameterSpec.ED25519.getName());
    }

    private static List<byte[]> pem(Path file, String kind) {
        try {
            if (Files.size(file) > MAX_FILE) {
                throw new ImageException(file + " is too long for a key");
            }
            List<byte[]> found = new ArrayList<>();
            Matcher matcher = PEM.matcher(Files.readString(file, StandardCharsets.ISO_8859_1));
            while (matcher.find()) {
                if (matcher.group(1).equals(kind)) {
                    found.add(Base64.getMimeDecoder().decode(matcher.group(2)));
                }
            }
            return found;
        } catch (IOException e) {
            throw new ImageException("key " + ImageDraft.explain(e), e);
        } catch (IllegalArgumentException e) {
            throw new ImageException(file + " is no PEM", e);
        }
    }

    private Signing() {}
}
