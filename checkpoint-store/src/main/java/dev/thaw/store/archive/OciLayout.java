package dev.thaw.store.archive;

import dev.thaw.state.ImageException;
import dev.thaw.state.image.ContentHash;
import dev.thaw.store.StoredImage;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * An image as an OCI image layout (image-spec 1.1), which any registry client can push: an artifact whose config is our manifest and whose layers are the other files, each with its name as a title.
 */
public final class OciLayout {
    static final String ARTIFACT = "application/vnd.thaw.image.v1";
    static final String CONFIG = "application/vnd.thaw.image.manifest.v1+json";
    static final String META = "application/vnd.thaw.image.meta.v1";
    static final String CHUNKS = "application/vnd.thaw.image.chunks.v1";
    static final String PACK = "application/vnd.thaw.image.pack.v1";
    private static final String OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
    private static final String OCI_INDEX = "application/vnd.oci.image.index.v1+json";
    private static final String TITLE = "org.opencontainers.image.title";
    private static final String LAYOUT_FILE = "oci-layout";
    private static final String INDEX_FILE = "index.json";
    private static final String BLOBS = "blobs/sha256";
    private static final int MAX_JSON = 4 << 20;
    private static final int MAX_BLOBS = 4096;
    private static final JsonMapper MAPPER = JsonMapper.builder().build();

    /** Writes {@code image}, after checking its files, to {@code directory}, which must be empty or not there. */
    public static void write(StoredImage image, Path directory) throws IOException {
        image.checkFiles();
        Files.createDirectories(directory.resolve(BLOBS));
        if (Files.exists(directory.resolve(INDEX_FILE))) {
            throw new ImageException(directory + " holds an image layout already");
        }
        ImageContents contents = new ImageContents(image);
        List<ObjectNode> layers = new ArrayList<>();
        for (int i = 0; i < contents.files().size(); i++) {
            ObjectNode layer = blob(directory, contents, i);
            layer.putObject("annotations").put(TITLE, contents.files().get(i).name());
            layers.add(layer);
        }
        ObjectNode manifest = MAPPER.createObjectNode();
        manifest.put("schemaVersion", 2);
        manifest.put("mediaType", OCI_MANIFEST);
        manifest.put("artifactType", ARTIFACT);
        manifest.set("config", blob(directory, CONFIG, contents.manifest()));
        ArrayNode list = manifest.putArray("layers");
        layers.forEach(list::add);
        manifest.putObject("annotations")
                .put("org.opencontainers.image.created", image.manifest().created().toString());
        ObjectNode index = MAPPER.createObjectNode();
        index.put("schemaVersion", 2);
        index.put("mediaType", OCI_INDEX);
        ObjectNode descriptor =
                blob(directory, OCI_MANIFEST, MAPPER.writeValueAsBytes(manifest))
                        .put("artifactType", ARTIFACT);
        descriptor.putObject("annotations").put("org.opencontainers.image.ref.name", image.id());
        index.putArray("manifests").add(descriptor);
        Files.writeString(directory.resolve(LAYOUT_FILE), "{\"imageLayoutVersion\":\"1.0.0\"}");
        Files.write(directory.resolve(INDEX_FILE), MAPPER.writeValueAsBytes(index));
    }

    private static ObjectNode blob(Path directory, String type, byte[] bytes) throws IOException {
        String digest = ContentHash.of(bytes).toString();
        Files.write(directory.resolve(BLOBS).resolve(digest), bytes);
        return descriptor(type, digest, bytes.length);
    }

    private static ObjectNode blob(Path directory, ImageContents contents, int number)
            throws IOException {
        Path aside = Files.createTempFile(directory.resolve(BLOBS), "new", "");
        MessageDigest digest = ContentHash.digest();
        try (OutputStream out = Files.newOutputStream(aside)) {
            contents.write(
                    number,
                    new ImageContents.Sink() {
                        @Override
                        public void file(String name, long size) {}

                        @Override
                        public void write(byte[] bytes, int length) throws IOException {
                            out.write(bytes, 0, length);
                            digest.update(bytes, 0, length);
                        }
                    });
        }
        String hex = ContentHash.wrap(digest.digest()).toString();
        Files.move(aside, directory.resolve(BLOBS).resolve(hex));
        return descriptor(
                number == 0 ? META : number == 1 ? CHUNKS : PACK,
                hex,
                contents.files().get(number).size());
    }

    private static ObjectNode descriptor(String type, String digest, long size) {
        return MAPPER.createObjectNode()
                .put("mediaType", type)
                .put("digest", "sha256:" + digest)
                .put("size", size);
    }

    /** Whether {@code directory} is an image layout. */
    public static boolean isIn(Path directory) {
        return Files.isRegularFile(directory.resolve(LAYOUT_FILE));
    }

    /** Fills the empty {@code directory} with the files of the image in {@code layout}. Every blob is compared with its digest; what is in them is not believed yet. */
    public static void read(Path layout, Path directory) throws IOException {
        read((Located) layout::resolve, directory);
    }

    /** Where the files of a layout are. */
    private interface Located {
        Path resolve(String name);
    }

    private static void read(Located layout, Path directory) throws IOException {
        try {
            JsonNode index = json(layout.resolve(INDEX_FILE));
            JsonNode found = null;
            for (JsonNode candidate : index.path("manifests")) {
                if (found == null
                        && (index.path("manifests").size() == 1
                                || candidate.path("artifactType").asString("").equals(ARTIFACT))) {
                    found = candidate;
                }
            }
            if (found == null) {
                throw new ImageException("image layout holds no image of Thaw");
            }
            JsonNode manifest = MAPPER.readTree(small(layout, found));
            if (!manifest.path("config").path("mediaType").asString("").equals(CONFIG)) {
                throw new ImageException("image layout holds no image of Thaw");
            }
            Files.write(
                    directory.resolve(ImageContents.MANIFEST),
                    small(layout, manifest.path("config")));
            Map<String, Long> missing =
                    ImageArchive.expected(StoredImage.manifestIn(directory), directory);
            for (JsonNode layer : manifest.path("layers")) {
                String name = layer.path("annotations").path(TITLE).asString("");
                Long size = missing.remove(name);
                if (size == null || size != layer.path("size").asLong(-1)) {
                    throw new ImageException(
                            "image layout holds a file that its manifest does not name");
                }
                copy(layout, layer, size, directory.resolve(name));
            }
            if (!missing.isEmpty()) {
                throw new ImageException(
                        "image layout lacks " + missing.keySet().iterator().next());
            }
        } catch (JacksonException e) {
            throw new ImageException("image layout is no JSON: " + e.getOriginalMessage(), e);
        }
    }

    private static JsonNode json(Path file) throws IOException {
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) || Files.size(file) > MAX_JSON) {
            throw new ImageException("image layout has no index.json, or one that is too long");
        }
        return MAPPER.readTree(Files.readAllBytes(file));
    }

    private static byte[] small(Located layout, JsonNode descriptor) throws IOException {
        Path file = blobFile(layout, descriptor);
        if (Files.size(file) > ImageArchive.MAX_MANIFEST) {
            throw new ImageException("image layout has a manifest that is too long");
        }
        byte[] bytes = Files.readAllBytes(file);
        check(descriptor, ContentHash.of(bytes));
        return bytes;
    }

    private static void copy(Located layout, JsonNode descriptor, long size, Path to)
            throws IOException {
        Path file = blobFile(layout, descriptor);
        if (Files.size(file) != size) {
            throw new ImageException(
                    "image layout holds "
                            + Files.size(file)
                            + " bytes of "
                            + to.getFileName()
                            + ", not "
                            + size);
        }
        MessageDigest digest = ContentHash.digest();
        byte[] buffer = new byte[1 << 18];
        try (var in = Files.newInputStream(file);
                OutputStream out =
                        Files.newOutputStream(
                                to, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (int count = in.read(buffer); count > 0; count = in.read(buffer)) {
                out.write(buffer, 0, count);
                digest.update(buffer, 0, count);
            }
        }
        check(descriptor, ContentHash.wrap(digest.digest()));
    }

    private static Path blobFile(Located layout, JsonNode descriptor) {
        String digest = descriptor.path("digest").asString("");
        if (!digest.matches("sha256:[0-9a-f]{64}")) {
            throw new ImageException("image layout names a blob without a SHA-256");
        }
        Path file = layout.resolve(BLOBS + "/" + digest.substring("sha256:".length()));
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            throw new ImageException("image layout lacks blob " + digest);
        }
        return file;
    }

    private static void check(JsonNode descriptor, ContentHash hash) {
        if (!descriptor.path("digest").asString("").equals("sha256:" + hash)) {
            throw new ImageException("image layout is damaged: a blob's hash differs");
        }
    }

    /** Writes {@code image} as a tar of its layout. {@code scratch} is an empty directory for it. */
    public static void writeTar(StoredImage image, Path scratch, OutputStream out)
            throws IOException {
        write(image, scratch);
        TarWriter tar = new TarWriter(out);
        List<Path> files = new ArrayList<>();
        files.add(scratch.resolve(LAYOUT_FILE));
        files.add(scratch.resolve(INDEX_FILE));
        try (var blobs = Files.list(scratch.resolve(BLOBS))) {
            files.addAll(blobs.sorted().toList());
        }
        byte[] buffer = new byte[1 << 18];
        for (Path file : files) {
            tar.file(scratch.relativize(file).toString(), Files.size(file));
            try (var in = Files.newInputStream(file)) {
                for (int count = in.read(buffer); count > 0; count = in.read(buffer)) {
                    tar.write(buffer, count);
                }
            }
        }
        tar.finish();
    }

    /** As {@link #read}, from a tar of a layout. Its files lie beside the image's until those are copied; flat, so that a directory of a process that died is easily removed. */
    static void readTar(TarReader.Entry first, TarReader tar, Path directory) throws IOException {
        Located flat = name -> directory.resolve("layout-" + name.replace('/', '-'));
        Set<String> seen = new HashSet<>();
        long room = Files.getFileStore(directory).getUsableSpace();
        for (TarReader.@Nullable Entry entry = first; entry != null; entry = tar.next()) {
            String name = entry.name().startsWith("./") ? entry.name().substring(2) : entry.name();
            if (entry.directory()) {
                continue; // nothing but blobs is looked for
            }
            boolean known =
                    name.equals(LAYOUT_FILE)
                            || name.equals(INDEX_FILE)
                            || name.matches("blobs/sha256/[0-9a-f]{64}");
            if (!known || !seen.add(name) || seen.size() > MAX_BLOBS) {
                throw new ImageException(
                        "archive is no image of Thaw: it holds a file that does not belong there");
            }
            room -= entry.size();
            if (room < 0) {
                throw new ImageException("archive claims more bytes than there is room for");
            }
            ImageArchive.extract(tar, entry.size(), flat.resolve(name));
        }
        if (!seen.contains(LAYOUT_FILE)) {
            throw new ImageException("archive is no image of Thaw");
        }
        read(flat, directory);
        for (String name : seen) {
            Files.delete(flat.resolve(name));
        }
    }

    /** Removes a layout. */
    public static void delete(Path layout) throws IOException {
        if (Files.exists(layout)) {
            try (var walk = Files.walk(layout)) {
                for (Path file : walk.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    private OciLayout() {}
}
