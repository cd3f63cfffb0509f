package dev.thaw.store;

import dev.thaw.state.ImageException;
import dev.thaw.state.image.ContentHash;
import dev.thaw.state.image.ImageFormat;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The manifest as JSON. Its last member is the SHA-256 of all bytes before the comma in front of it, so that a changed manifest is found out. */
final class ManifestJson {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();
    private static final String SEAL = ",\n  \"sha256\" : \"";
    private static final String END = "\"\n}\n";
    private static final int SEAL_LENGTH = SEAL.length() + 64 + END.length();
    private static final int MAX = 16 << 20;

    static byte[] encode(Manifest m) {
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
        root.putNull("encryption");
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
        String text = MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(root);
        String body = text.substring(0, text.lastIndexOf('}')).stripTrailing();
        return (body + SEAL + ContentHash.of(body.getBytes(StandardCharsets.UTF_8)) + END)
                .getBytes(StandardCharsets.UTF_8);
    }

    private static void put(ObjectNode node, Manifest.FileRef file) {
        node.put("name", file.name()).put("size", file.size());
        if (file.hash() != null) {
            node.put("sha256", file.hash().toString());
        }
    }

    /** Reads a manifest; {@code what} names it in errors. */
    static Manifest decode(byte[] bytes, String what) {
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
            JsonNode root = MAPPER.readTree(text);
            int version = root.path("formatVersion").asInt(0);
            if (version > ImageFormat.VERSION || (intact && version != ImageFormat.VERSION)) {
                throw new ImageException(
                        what
                                + " has format version "
                                + version
                                + ", this release reads "
                                + ImageFormat.VERSION);
            }
            if (!intact) {
                throw new ImageException(what + " is damaged: its hash differs");
            }
            return read(root);
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

    private static Manifest read(JsonNode root) {
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
                List.copyOf(packs));
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
