package dev.thaw.sentry.fs.proc;

import dev.thaw.abi.Fcntl;
import dev.thaw.host.HostFiles;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** {@code /proc/cpuinfo}: the model and features of the machine's first processor, read once before the sandbox is closed, shown for as many as the guest sees. */
final class CpuInfo {
    private static final int SIZE = 16 << 10;

    private final Map<String, String> fields;

    private CpuInfo(Map<String, String> fields) {
        this.fields = fields;
    }

    /** Reads the host's; where that can not be read (a restore within a closed sandbox), a plain one. */
    static CpuInfo read() {
        Map<String, String> fields = new LinkedHashMap<>();
        int fd = HostFiles.open("/proc/cpuinfo", Fcntl.O_RDONLY | Fcntl.O_CLOEXEC, 0);
        if (fd >= 0) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment buffer = arena.allocate(SIZE);
                long length = HostFiles.read(fd, buffer, 0, SIZE);
                if (length > 0) {
                    parse(
                            new String(
                                    buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE),
                                    StandardCharsets.ISO_8859_1),
                            fields);
                }
            } finally {
                HostFiles.close(fd);
            }
        }
        if (fields.isEmpty()) {
            fields.put("vendor_id", "GenuineIntel");
            fields.put("cpu family", "6");
            fields.put("model", "85");
            fields.put("model name", "Virtual CPU");
            fields.put("stepping", "1");
            fields.put("cpu MHz", "2000.000");
            fields.put("cache size", "4096 KB");
            fields.put(
                    "flags",
                    "fpu tsc cx8 cmov mmx fxsr sse sse2 syscall nx lm constant_tsc pni cx16 sse4_1 sse4_2 popcnt");
            fields.put("bogomips", "4000.00");
        }
        return new CpuInfo(fields);
    }

    /** Takes the first processor's lines. */
    private static void parse(String text, Map<String, String> fields) {
        for (String line : text.split("\n")) {
            int colon = line.indexOf(':');
            if (colon < 0) {
                return;
            }
            String name = line.substring(0, colon).strip();
            if (!name.equals("processor")) {
                fields.put(name, line.substring(colon + 1).strip());
            }
        }
    }

    byte[] text(int cpus) {
        Text text = new Text();
        for (int cpu = 0; cpu < cpus; cpu++) {
            text.add("processor\t: ").add(cpu).line();
            for (Map.Entry<String, String> field : fields.entrySet()) {
                String name = field.getKey();
                String value =
                        switch (name) {
                            case "core id", "apicid", "initial apicid" -> Integer.toString(cpu);
                            case "siblings", "cpu cores" -> Integer.toString(cpus);
                            case "physical id" -> "0";
                            default -> field.getValue();
                        };
                text.add(name).add(name.length() >= 8 ? "\t: " : "\t\t: ").add(value).line();
            }
            text.line();
        }
        return text.bytes();
    }
}
