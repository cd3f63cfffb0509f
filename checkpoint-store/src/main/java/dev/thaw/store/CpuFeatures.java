package dev.thaw.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** What a program may have found out about its processor and relies on: the flags of {@code /proc/cpuinfo} that name instructions of user mode. */
final class CpuFeatures {
    private static final Set<String> EXACT =
            Set.of(
                    "cx8",
                    "cx16",
                    "cmov",
                    "mmx",
                    "fxsr",
                    "pni",
                    "ssse3",
                    "popcnt",
                    "movbe",
                    "aes",
                    "pclmulqdq",
                    "vpclmulqdq",
                    "vaes",
                    "gfni",
                    "fma",
                    "f16c",
                    "rdrand",
                    "rdseed",
                    "bmi1",
                    "bmi2",
                    "abm",
                    "adx",
                    "sha_ni",
                    "xsave",
                    "xsavec",
                    "fsgsbase",
                    "rtm",
                    "hle",
                    "clflushopt",
                    "clwb",
                    "lahf_lm",
                    "rdpid",
                    "movdiri",
                    "movdir64b",
                    "serialize",
                    "erms",
                    "fsrm",
                    "rdtscp",
                    "fma4",
                    "xop",
                    "tbm",
                    "3dnow",
                    "waitpkg");
    private static final List<String> PREFIXES = List.of("sse", "avx", "amx");

    /** This machine's features, sorted. */
    static List<String> ofHost() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
                if (line.startsWith("flags")) {
                    TreeSet<String> found = new TreeSet<>();
                    for (String flag : line.substring(line.indexOf(':') + 1).trim().split(" ")) {
                        if (EXACT.contains(flag) || PREFIXES.stream().anyMatch(flag::startsWith)) {
                            found.add(flag);
                        }
                    }
                    return List.copyOf(found);
                }
            }
            return List.of();
        } catch (IOException e) {
            return List.of();
        }
    }

    /** Those of {@code needed} that this machine lacks. */
    static List<String> missing(List<String> needed) {
        List<String> missing = new ArrayList<>(needed);
        missing.removeAll(ofHost());
        return missing;
    }

    private CpuFeatures() {}
}
