package dev.thaw.store;

import dev.thaw.state.ImageException;
import dev.thaw.state.crypt.DataKey;
import dev.thaw.state.crypt.Primitives;
import dev.thaw.state.crypt.WrappedKey;
import dev.thaw.state.image.ImageCodec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Arrays;
import java.util.Base64;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The named keys that images are encrypted with. The first is the one for new images. Closing overwrites them. */
public final class KeyRing implements AutoCloseable {
    /** The environment variable that holds one key as {@code ID:BASE64}. */
    public static final String VARIABLE = "THAW_IMAGE_KEY";

    private static final int KEY_BYTES = 32;
    private static final int MAX_FILE = 1 << 20;
    private static final Set<PosixFilePermission> OTHERS =
            EnumSet.of(
                    PosixFilePermission.GROUP_READ,
                    PosixFilePermission.GROUP_WRITE,
                    PosixFilePermission.OTHERS_READ,
                    PosixFilePermission.OTHERS_WRITE);

    private final Map<String, byte[]> keys = new LinkedHashMap<>();
    private final Supplier<Primitives> primitives;

    private KeyRing(Supplier<Primitives> primitives) {
        this.primitives = primitives;
    }

    /**
     * Reads the keys of {@code file} (lines of {@code ID BASE64}, {@code #} begins a comment) and then of {@code variable}, as the environment has it; either may be null. The file must be readable for
     * its owner only. {@code primitives} is asked when there is something to compute.
     */
    public static KeyRing read(
            @Nullable Path file, @Nullable String variable, Supplier<Primitives> primitives) {
        KeyRing ring = new KeyRing(primitives);
        if (file != null) {
            ring.readFile(file);
        }
        if (variable != null && !variable.isBlank()) {
            int colon = variable.indexOf(':');
            if (colon < 0) {
                throw new ImageException(VARIABLE + " is not of the form ID:BASE64");
            }
            ring.add(
                    VARIABLE,
                    variable.substring(0, colon).strip(),
                    variable.substring(colon + 1).strip());
        }
        return ring;
    }

    private void readFile(Path file) {
        byte[] bytes;
        try {
            Set<PosixFilePermission> open = EnumSet.copyOf(OTHERS);
            open.retainAll(Files.getPosixFilePermissions(file));
            if (!open.isEmpty()) {
                throw new ImageException(
                        "key file " + file + " is open to others: chmod 600 it first");
            }
            if (Files.size(file) > MAX_FILE) {
                throw new ImageException("key file " + file + " is too long");
            }
            bytes = Files.readAllBytes(file);
        } catch (IOException e) {
            throw new ImageException("key file " + ImageDraft.explain(e), e);
        }
        int number = 0;
        for (String line : new String(bytes, StandardCharsets.UTF_8).lines().toList()) {
            number++;
            String text = line.strip();
            if (text.isEmpty() || text.startsWith("#")) {
                continue;
            }
            String[] words = text.split("\\s+");
            if (words.length != 2) {
                throw new ImageException(
                        "key file " + file + " line " + number + " is not of the form ID BASE64");
            }
            add("key file " + file + " line " + number, words[0], words[1]);
        }
        Arrays.fill(bytes, (byte) 0);
    }

    private void add(String where, String id, String base64) {
        if (!id.matches(WrappedKey.ID)) {
            throw new ImageException(where + ": a key's id has letters, digits, . _ and - only");
        }
        byte[] key;
        try {
            key = Base64.getDecoder().decode(base64);
        } catch (IllegalArgumentException e) {
            throw new ImageException(where + ": the key is no base64", e);
        }
        if (key.length != KEY_BYTES) {
            throw new ImageException(
                    where + ": a key has " + KEY_BYTES + " bytes, this one " + key.length);
        }
        if (keys.putIfAbsent(id, key) != null) {
            throw new ImageException(where + ": there is a key \"" + id + "\" already");
        }
    }

    public boolean isEmpty() {
        return keys.isEmpty();
    }

    /** Who computes for those that use this ring. */
    public Primitives primitives() {
        return primitives.get();
    }

    /** The id of the key for new images: {@code wanted}, which must be there, or the first. */
    public String idForNew(@Nullable String wanted) {
        if (wanted != null) {
            need(wanted);
            return wanted;
        }
        return keys.keySet().stream()
                .findFirst()
                .orElseThrow(() -> new ImageException("there is no key to encrypt with"));
    }

    /** Whether there is a key of this name. */
    boolean has(String id) {
        return keys.containsKey(id);
    }

    DataKey unwrap(WrappedKey wrapped) {
        byte[] key = keys.get(wrapped.keyId());
        if (key == null) {
            throw new ImageException(
                    "is encrypted with the key \""
                            + wrapped.keyId()
                            + "\", which was not given (--key-file, "
                            + VARIABLE
                            + ")");
        }
        return wrapped.unwrap(key, primitives().aead());
    }

    WrappedKey wrap(String id, DataKey key) {
        return WrappedKey.wrap(id, need(id), key, primitives().aead());
    }

    ImageCodec codec(WrappedKey wrapped) {
        try (DataKey key = unwrap(wrapped)) {
            return primitives().sealed(key);
        }
    }

    private byte[] need(String id) {
        byte[] key = keys.get(id);
        if (key == null) {
            throw new ImageException(
                    "the key \"" + id + "\" was not given (--key-file, " + VARIABLE + ")");
        }
        return key;
    }

    @Override
    public void close() {
        keys.values().forEach(key -> Arrays.fill(key, (byte) 0));
    }
}
