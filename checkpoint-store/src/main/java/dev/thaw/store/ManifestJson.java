package dev.thaw.store;

import dev.thaw.state.ImageException;
import dev.thaw.state.crypt.WrappedKey;
import dev.thaw.state.image.ContentHash;
import dev.thaw.state.image.ImageFormat;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The manifest as JSON in two parts, which are two JSON objects merged into one:
 *
 * <ol>
 *   <li>the head, up to the comma in front of {@code "encryption"}: all that says what the image is, with the hashes of its files. Its SHA-256 is the root, the top of the tree of hashes over the whole image;
 *   <li>the tail: {@code encryption}, {@code root}, {@code signature} (of the root) and {@code sha256}, the hash of all bytes before the comma in front of it. A data key is wrapped anew
 *       without touching the root.
 * </ol>
 */
final class ManifestJson {
    private static final JsonMapper MAPPER =
            JsonMapper.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .build();
    private static final String TAIL = ",\n  \"encryption\" : ";
    private static final String SEAL = ",\n  \"sha256\" : \"";
    private static final String END = "\"\n}\n";
    private static final int SEAL_LENGTH = SEAL.length() + 64 + END.length();
    private static final int MAX = 1 << 20;
    private static final String CIPHER = "AES-256-GCM";
    private static final String SIGNATURE = "Ed25519";

    /** A manifest that was read. */
    record Parsed(Manifest manifest, ContentHash root, byte @Nullable [] signature) {}

    /** The manifest, signed by {@code signer} if that is not null. */
    static byte[] encode(Manifest m, @Nullable ImageSigner signer) {
        String head = head(m);
        ContentHash root = ContentHash.of(head.getBytes(StandardCharsets.UTF_8));
        return seal(head, m.encryption(), root, signer == null ? null : signer.sign(root));
    }

    /** The manifest {@code bytes} with another wrapping of the data key; root and signature stay. */
    static byte[] rewrap(byte[] bytes, String what, WrappedKey encryption) {
        Parsed parsed = decode(bytes, what);
        String text = new String(bytes, StandardCharsets.UTF_8);
        return seal(
                text.substring(0, text.lastIndexOf(TAIL)),
                encryption,
                parsed.root(),
                parsed.signature());
    }

    private static byte[] seal(
            String head,
            @Nullable WrappedKey encryption,
            ContentHash root,
            byte @Nullable [] signature) {
        ObjectNode tail = MAPPER.createObjectNode();
        if (encryption == null) {
            tail.putNull("encryption");
        } else {
            tail.putObject("encryption")
                    .put("algorithm", CIPHER)
                    .put("keyId", encryption.keyId())
                    .put("domain", encryption.domain())
                    .put("wrappedKey", Base64.getEncoder().encodeToString(encryption.wrapped()));
        }
        tail.put("root", root.toString());
        if (signature == null) {
            tail.putNull("signature");
        } else {
            tail.putObject("signature")
                    .put("algorithm", SIGNATURE)
                    .put("value", Base64.getEncoder().encodeToString(signature));
        }
        String body = head + "," + open(tail).substring(1);
        return (body + SEAL + ContentHash.of(body.getBytes(StandardCharsets.UTF_8)) + END)
                .getBytes(StandardCharsets.UTF_8);
    }

    /** The text of an object without its last brace. */
    private static String open(ObjectNode node) {
        String text = MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(node);
        return text.substring(0, text.lastIndexOf('}')).stripTrailing();
    }

    private static String head(Manifest m) {
        ObjectNode root = MAPPER.createObjectNode();
        root.put("formatVersion", m.formatVersion());
        root.put("id", m.id());
        root.put("created", m.created().toString());
        root.put("release", m.release());
        root.put("arch", m.arch());
        ArrayNode features = root.putArray("cpuFeatures");
        m.cpuFeatures().forEach(features::add);
        root.put("kernelAbi", m.kernelAbi());
        root.put("platform", m.platform());
        root.put("parent", m.parent());
        ArrayNode containers = root.putArray("containers");
        for (Manifest.Container container : m.containers()) {
            containers.addObject().put("id", container.id()).put("hostname", container.hostname());
        }
        root.set("spec", MAPPER.readTree(m.spec()));
        ObjectNode labels = root.putObject("labels");
        m.labels().forEach(labels::put);
        root.putObject("sizes")
                .put("pages", m.sizes().pages())
                .put("rawBytes", m.sizes().rawBytes())
                .put("chunks", m.sizes().chunks())
                .put("newChunks", m.sizes().newChunks())
                .put("storedBytes", m.sizes().storedBytes());
        root.putObject("times")
                .put("pauseNanos", m.times().pauseNanos())
                .put("wholeNanos", m.times().wholeNanos());
        ObjectNode files = root.putObject("files");
        put(files.putObject("meta"), m.meta());
        put(files.putObject("chunks"), m.chunks());
        ArrayNode packs = files.putArray("packs");
        for (Manifest.FileRef pack : m.packs()) {
            put(packs.addObject(), pack);
        }
        return open(root);
    }

    private static void put(ObjectNode node, Manifest.FileRef file) {
        node.put("name", file.name()).put("size", file.size());
        if (file.hash() != null) {
            node.put("sha256", file.hash().toString());
        }
    }

    /** Reads the manifest in {@code file}. */
    static Parsed read(Path file) throws IOException {
        if (Files.size(file) > MAX) {
            throw new ImageException(file + " is too long: " + Files.size(file) + " bytes");
        }
        return decode(Files.readAllBytes(file), file.toString());
    }

    /** Reads a manifest; {@code what} names it in errors. */
    static Parsed decode(byte[] bytes, String what) {
        if (bytes.length > MAX) {
            throw new ImageException(what + " is too long: " + bytes.length + " bytes");
        }
        String text = new String(bytes, StandardCharsets.UTF_8);
        int sealAt = text.length() - SEAL_LENGTH;
        if (sealAt < 0 || !text.startsWith(SEAL, sealAt) || !text.endsWith(END)) {
            throw new ImageException(what + " is cut short or no manifest");
        }
        String body = text.substring(0, sealAt);
        String hash = text.substring(sealAt + SEAL.length(), text.length() - END.length());
        boolean intact =
                ContentHash.of(body.getBytes(StandardCharsets.UTF_8)).toString().equals(hash);
        try {
            checkVersion(MAPPER.readTree(text), intact, what);
            int tailAt = body.lastIndexOf(TAIL);
            if (!intact || tailAt < 0) {
                throw new ImageException(what + " is damaged: its hash differs");
            }
            String head = body.substring(0, tailAt);
            return read(
                    MAPPER.readTree(head + "}"),
                    MAPPER.readTree("{" + body.substring(tailAt + 1) + "}"),
                    ContentHash.of(head.getBytes(StandardCharsets.UTF_8)));
        } catch (JacksonException | DateTimeException | IllegalArgumentException e) {
            if (!intact) {
                throw new ImageException(what + " is damaged: its hash differs", e);
            }
            String why =
                    e instanceof JacksonException json ? json.getOriginalMessage() : e.getMessage();
            throw new ImageException(
                    what + " is wrong: " + String.valueOf(why).lines().findFirst().orElse("?"), e);
        }
    }

    private static void checkVersion(JsonNode root, boolean intact, String what) {
        int version = root.path("formatVersion").asInt(0);
        if (version > ImageFormat.VERSION || (intact && version != ImageFormat.VERSION)) {
            throw new ImageException(
                    what
                            + " has format version "
                            + version
                            + ", this release reads "
                            + ImageFormat.VERSION);
        }
    }

    private static Parsed read(JsonNode head, JsonNode tail, ContentHash root) {
        if (!text(tail, "root").equals(root.toString())) {
            throw new IllegalArgumentException("root is not the hash of what is before it");
        }
        JsonNode encryption = tail.path("encryption");
        JsonNode signature = tail.path("signature");
        return new Parsed(
                read(head, encryption.isNull() ? null : wrappedKey(encryption)),
                root,
                signature.isNull() || signature.isMissingNode()
                        ? null
                        : base64(signature, "value", SIGNATURE));
    }

    private static WrappedKey wrappedKey(JsonNode node) {
        byte[] wrapped = base64(node, "wrappedKey", CIPHER);
        String id = text(node, "keyId");
        String domain = text(node, "domain");
        if (wrapped.length != WrappedKey.BYTES
                || !id.matches(WrappedKey.ID)
                || !domain.matches("[0-9a-f]{1,64}")) {
            throw new IllegalArgumentException("encryption names no key");
        }
        return new WrappedKey(id, domain, wrapped);
    }

    private static byte[] base64(JsonNode node, String name, String algorithm) {
        if (!text(node, "algorithm").equals(algorithm)) {
            throw new IllegalArgumentException("algorithm is unknown to this release");
        }
        return Base64.getDecoder().decode(text(node, name));
    }

    private static Manifest read(JsonNode root, @Nullable WrappedKey encryption) {
        List<Manifest.Container> containers = new ArrayList<>();
        for (JsonNode container : root.path("containers")) {
            containers.add(
                    new Manifest.Container(text(container, "id"), text(container, "hostname")));
        }
        Map<String, String> labels = new LinkedHashMap<>();
        root.path("labels")
                .properties()
                .forEach(e -> labels.put(e.getKey(), e.getValue().asString("")));
        List<String> features = new ArrayList<>();
        root.path("cpuFeatures").forEach(f -> features.add(f.asString("")));
        JsonNode sizes = root.path("sizes");
        JsonNode times = root.path("times");
        JsonNode files = root.path("files");
        List<Manifest.FileRef> packs = new ArrayList<>();
        files.path("packs").forEach(p -> packs.add(file(p)));
        return new Manifest(
                root.path("formatVersion").asInt(0),
                text(root, "id"),
                Instant.parse(text(root, "created")),
                text(root, "release"),
                text(root, "arch"),
                List.copyOf(features),
                text(root, "kernelAbi"),
                text(root, "platform"),
                root.path("parent").isString() ? root.path("parent").asString() : null,
                List.copyOf(containers),
                root.path("spec").toString(),
                labels,
                new Manifest.Sizes(
                        number(sizes, "pages"),
                        number(sizes, "rawBytes"),
                        number(sizes, "chunks"),
                        number(sizes, "newChunks"),
                        number(sizes, "storedBytes")),
                new Manifest.Times(number(times, "pauseNanos"), number(times, "wholeNanos")),
                file(files.path("meta")),
                file(files.path("chunks")),
                List.copyOf(packs),
                encryption);
    }

    private static Manifest.FileRef file(JsonNode node) {
        String name = text(node, "name");
        if (!name.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,120}")) {
            throw new IllegalArgumentException("a file has a bad name");
        }
        @Nullable ContentHash hash =
                node.path("sha256").isString()
                        ? ContentHash.parse(node.path("sha256").asString())
                        : null;
        return new Manifest.FileRef(name, number(node, "size"), hash);
    }

    private static String text(JsonNode node, String name) {
        JsonNode value = node.path(name);
        if (!value.isString()) {
            throw new IllegalArgumentException(name + " is missing");
        }
        return value.asString();
    }

    private static long number(JsonNode node, String name) {
        JsonNode value = node.path(name);
        if (!value.isIntegralNumber() || !value.canConvertToLong() || value.asLong() < 0) {
            throw new IllegalArgumentException(name + " is missing or no count");
        }
        return value.asLong();
    }

    private ManifestJson() {}
}
