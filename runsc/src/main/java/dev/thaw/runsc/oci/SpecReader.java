package dev.thaw.runsc.oci;

import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.oci.ProcessConfig.Capabilities;
import dev.thaw.runsc.oci.ProcessConfig.User;
import dev.thaw.runsc.oci.Spec.LinuxConfig;
import dev.thaw.runsc.oci.Spec.MountConfig;
import dev.thaw.runsc.oci.Spec.Root;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Reads and checks config.json and process.json. Every refusal is one line that names the file and the field. */
public final class SpecReader {
    /** A configuration larger than this is refused before it is parsed. */
    static final long MAX_BYTES = 8 << 20;

    private final String file;
    private final Path bundle;

    private SpecReader(String file, Path bundle) {
        this.file = file;
        this.bundle = bundle;
    }

    /** Reads {@code bundle}/config.json. */
    public static Spec readBundle(Path bundle) throws SandboxException {
        Path absolute = bundle.toAbsolutePath().normalize();
        Path config = absolute.resolve("config.json");
        if (!Files.isDirectory(absolute)) {
            throw SandboxException.notFound("bundle " + absolute + " is no directory");
        }
        return new SpecReader("config.json", absolute).spec(parse(config, "config.json"));
    }

    /** Reads the configuration in {@code text}, whose relative paths are taken from {@code bundle}. */
    public static Spec readText(String text, Path bundle) throws SandboxException {
        return new SpecReader("config.json", bundle.toAbsolutePath())
                .spec(parseText(text, "config.json"));
    }

    /** Reads a {@code process} object as {@code exec --process} takes it. */
    public static ProcessConfig readProcess(Path path) throws SandboxException {
        return new SpecReader(path.toString(), path)
                .process(parse(path, path.toString()), "process");
    }

    private static JsonNode parse(Path path, String name) throws SandboxException {
        try {
            if (Files.size(path) > MAX_BYTES) {
                throw SandboxException.invalid(name + " is larger than " + MAX_BYTES + " bytes");
            }
            return parseText(Files.readString(path), name);
        } catch (NoSuchFileException e) {
            throw SandboxException.notFound("JSON specification file " + name + " not found");
        } catch (IOException e) {
            throw SandboxException.invalid(name + " can not be read: " + e.getMessage());
        }
    }

    private static JsonNode parseText(String text, String name) throws SandboxException {
        try {
            return JsonMapper.shared().readTree(text);
        } catch (JacksonException e) {
            String where =
                    e.getLocation() == null
                            ? ""
                            : " (line "
                                    + e.getLocation().getLineNr()
                                    + ", column "
                                    + e.getLocation().getColumnNr()
                                    + ")";
            throw SandboxException.invalid(
                    name
                            + " is no valid JSON: "
                            + e.getOriginalMessage().lines().findFirst().orElse("")
                            + where);
        }
    }

    private Spec spec(JsonNode top) throws SandboxException {
        if (!top.isObject()) {
            throw bad("", "must be an object");
        }
        String version = string(top, "ociVersion", null);
        if (!version.startsWith("1.")) {
            throw bad("ociVersion", "\"" + version + "\" is not supported, 1.x is");
        }
        JsonNode root = object(top, "root");
        if (root == null) {
            throw bad("root", "is missing");
        }
        String path = string(root, "path", null);
        Path rootfs = bundle.resolve(path).normalize();
        if (!Files.isDirectory(rootfs)) {
            throw bad("root.path", rootfs + " is no directory");
        }
        JsonNode process = object(top, "process");
        ArrayList<MountConfig> mounts = new ArrayList<>();
        for (JsonNode mount : array(top, "mounts")) {
            mounts.add(mount(mount, "mounts[" + mounts.size() + "]"));
        }
        TreeMap<String, String> annotations = new TreeMap<>();
        JsonNode notes = object(top, "annotations");
        if (notes != null) {
            for (Map.Entry<String, JsonNode> entry : notes.properties()) {
                annotations.put(entry.getKey(), entry.getValue().asString(""));
            }
        }
        return new Spec(
                version,
                new Root(rootfs.toString(), bool(root, "readonly")),
                process == null ? null : process(process, "process"),
                string(top, "hostname", ""),
                List.copyOf(mounts),
                annotations,
                linux(object(top, "linux")));
    }

    private MountConfig mount(JsonNode node, String where) throws SandboxException {
        String destination = string(node, "destination", null);
        if (!destination.startsWith("/")) {
            throw bad(where + ".destination", "\"" + destination + "\" is no absolute path");
        }
        MountConfig mount =
                new MountConfig(
                        raw(destination),
                        string(node, "type", ""),
                        string(node, "source", ""),
                        strings(node, "options"));
        if (!mount.isBind()) {
            return mount;
        }
        Path source = bundle.resolve(mount.source()).normalize();
        if (mount.source().isEmpty() || !Files.exists(source)) {
            throw bad(where + ".source", "\"" + mount.source() + "\" does not exist");
        }
        return new MountConfig(raw(destination), "bind", source.toString(), mount.options());
    }

    private ProcessConfig process(JsonNode node, String where) throws SandboxException {
        List<String> args = strings(node, "args");
        if (args.isEmpty()) {
            throw bad(where + ".args", "must not be empty");
        }
        String cwd = string(node, "cwd", null);
        if (!cwd.startsWith("/")) {
            throw bad(where + ".cwd", "\"" + cwd + "\" is no absolute path");
        }
        List<String> env = strings(node, "env");
        for (String text : args) {
            checkNoNul(text, where + ".args");
        }
        for (String text : env) {
            checkNoNul(text, where + ".env");
        }
        JsonNode user = object(node, "user");
        return new ProcessConfig(
                bool(node, "terminal"),
                raw(args),
                raw(env),
                raw(cwd),
                user == null ? User.ROOT : user(user, where + ".user"),
                capabilities(node, where),
                rlimits(node, where),
                bool(node, "noNewPrivileges"));
    }

    private User user(JsonNode node, String where) throws SandboxException {
        JsonNode groups = node.path("additionalGids");
        int[] gids = new int[groups.size()];
        for (int i = 0; i < gids.length; i++) {
            gids[i] = (int) number(groups.get(i), where + ".additionalGids");
        }
        JsonNode umask = node.get("umask");
        return new User(
                id(node, "uid", where),
                id(node, "gid", where),
                gids,
                umask == null ? -1 : (int) number(umask, where + ".umask") & 0x1ff);
    }

    private Capabilities capabilities(JsonNode process, String where) throws SandboxException {
        JsonNode node = object(process, "capabilities");
        if (node == null) {
            return Capabilities.NONE;
        }
        return new Capabilities(
                mask(node, "bounding", where),
                mask(node, "effective", where),
                mask(node, "inheritable", where),
                mask(node, "permitted", where),
                mask(node, "ambient", where));
    }

    private long mask(JsonNode node, String set, String where) throws SandboxException {
        long mask = 0;
        for (String name : strings(node, set)) {
            int number = OciNames.capability(name);
            if (number < 0) {
                throw bad(where + ".capabilities." + set, "\"" + name + "\" is no capability");
            }
            mask |= 1L << number;
        }
        return mask;
    }

    private Map<Integer, long[]> rlimits(JsonNode process, String where) throws SandboxException {
        TreeMap<Integer, long[]> limits = new TreeMap<>();
        for (JsonNode node : array(process, "rlimits")) {
            String type = string(node, "type", null);
            int number = OciNames.rlimit(type);
            if (number < 0) {
                throw bad(where + ".rlimits", "\"" + type + "\" is no limit");
            }
            long soft = number(node.path("soft"), where + ".rlimits.soft");
            long hard = number(node.path("hard"), where + ".rlimits.hard");
            if (Long.compareUnsigned(soft, hard) > 0) {
                throw bad(where + ".rlimits", type + " has a soft limit above its hard limit");
            }
            if (limits.put(number, new long[] {soft, hard}) != null) {
                throw bad(where + ".rlimits", type + " is given twice");
            }
        }
        return limits;
    }

    private LinuxConfig linux(@Nullable JsonNode node) throws SandboxException {
        if (node == null) {
            return LinuxConfig.NONE;
        }
        JsonNode resources = node.path("resources");
        return new LinuxConfig(
                string(node, "cgroupsPath", ""),
                limit(resources.path("memory").get("limit"), "linux.resources.memory.limit"),
                limit(resources.path("pids").get("limit"), "linux.resources.pids.limit"),
                strings(node, "maskedPaths"),
                strings(node, "readonlyPaths"));
    }

    private long limit(@Nullable JsonNode node, String where) throws SandboxException {
        if (node == null || node.isNull()) {
            return -1;
        }
        long value = number(node, where);
        return value <= 0 ? -1 : value;
    }

    private int id(JsonNode node, String field, String where) throws SandboxException {
        JsonNode value = node.get(field);
        long id = value == null ? 0 : number(value, where + "." + field);
        if (id < 0 || id > 0xffff_ffffL) {
            throw bad(where + "." + field, id + " is no id");
        }
        return (int) id;
    }

    private long number(JsonNode node, String where) throws SandboxException {
        if (!node.isIntegralNumber()) {
            throw bad(where, "must be an integer");
        }
        return node.bigIntegerValue().longValue();
    }

    private String string(JsonNode node, String field, @Nullable String fallback)
            throws SandboxException {
        JsonNode value = node.get(field);
        if (value == null || value.isNull()) {
            if (fallback == null) {
                throw bad(field, "is missing");
            }
            return fallback;
        }
        if (!value.isString()) {
            throw bad(field, "must be a string");
        }
        return checkNoNul(value.asString(), field);
    }

    private boolean bool(JsonNode node, String field) throws SandboxException {
        JsonNode value = node.get(field);
        if (value == null || value.isNull()) {
            return false;
        }
        if (!value.isBoolean()) {
            throw bad(field, "must be true or false");
        }
        return value.asBoolean();
    }

    private @Nullable JsonNode object(JsonNode node, String field) throws SandboxException {
        JsonNode value = node.get(field);
        if (value == null || value.isNull()) {
            return null;
        }
        if (!value.isObject()) {
            throw bad(field, "must be an object");
        }
        return value;
    }

    private Iterable<JsonNode> array(JsonNode node, String field) throws SandboxException {
        JsonNode value = node.get(field);
        if (value == null || value.isNull()) {
            return List.of();
        }
        if (!value.isArray()) {
            throw bad(field, "must be an array");
        }
        return value;
    }

    private List<String> strings(JsonNode node, String field) throws SandboxException {
        ArrayList<String> list = new ArrayList<>();
        for (JsonNode item : array(node, field)) {
            if (!item.isString()) {
                throw bad(field, "must hold strings only");
            }
            list.add(item.asString());
        }
        return List.copyOf(list);
    }

    /** The bytes that the text is on Linux, as the kernel keeps strings: one ISO-8859-1 character for each. */
    public static String raw(String text) {
        return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    }

    private static List<String> raw(List<String> texts) {
        ArrayList<String> list = new ArrayList<>();
        for (String text : texts) {
            list.add(raw(text));
        }
        return List.copyOf(list);
    }

    private String checkNoNul(String text, String where) throws SandboxException {
        if (text.indexOf('\0') >= 0) {
            throw bad(where, "holds a NUL character");
        }
        return text;
    }

    private SandboxException bad(String field, String what) {
        return SandboxException.invalid(
                file + ": " + (field.isEmpty() ? "it" : field) + " " + what);
    }
}
