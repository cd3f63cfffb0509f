package dev.thaw.runsc.container;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** What /proc of the host says of a process. */
public final class HostProcesses {
    private HostProcesses() {}

    /** The start time of a live process (not a zombie) in clock ticks since boot, or -1. */
    public static long startTime(int pid) {
        try {
            String stat =
                    Files.readString(
                            Path.of("/proc/" + pid + "/stat"), StandardCharsets.ISO_8859_1);
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            return fields[0].equals("Z") || fields[0].equals("X") ? -1 : Long.parseLong(fields[19]);
        } catch (IOException | RuntimeException e) {
            return -1;
        }
    }

    /** Whether the process that had this pid and start time still lives. */
    public static boolean isAlive(int pid, long start) {
        return pid > 0 && start >= 0 && startTime(pid) == start;
    }
}
