package dev.thaw.runsc.oci;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** Names that config.json uses for Linux numbers (linux/capability.h, asm-generic/resource.h, asm/signal.h). */
public final class OciNames {
    static final String[] CAPABILITIES = {
        "CHOWN",
        "DAC_OVERRIDE",
        "DAC_READ_SEARCH",
        "FOWNER",
        "FSETID",
        "KILL",
        "SETGID",
        "SETUID",
        "SETPCAP",
        "LINUX_IMMUTABLE",
        "NET_BIND_SERVICE",
        "NET_BROADCAST",
        "NET_ADMIN",
        "NET_RAW",
        "IPC_LOCK",
        "IPC_OWNER",
        "SYS_MODULE",
        "SYS_RAWIO",
        "SYS_CHROOT",
        "SYS_PTRACE",
        "SYS_PACCT",
        "SYS_ADMIN",
        "SYS_BOOT",
        "SYS_NICE",
        "SYS_RESOURCE",
        "SYS_TIME",
        "SYS_TTY_CONFIG",
        "MKNOD",
        "LEASE",
        "AUDIT_WRITE",
        "AUDIT_CONTROL",
        "SETFCAP",
        "MAC_OVERRIDE",
        "MAC_ADMIN",
        "SYSLOG",
        "WAKE_ALARM",
        "BLOCK_SUSPEND",
        "AUDIT_READ",
        "PERFMON",
        "BPF",
        "CHECKPOINT_RESTORE"
    };
    private static final String[] RLIMITS = {
        "CPU",
        "FSIZE",
        "DATA",
        "STACK",
        "CORE",
        "RSS",
        "NPROC",
        "NOFILE",
        "MEMLOCK",
        "AS",
        "LOCKS",
        "SIGPENDING",
        "MSGQUEUE",
        "NICE",
        "RTPRIO",
        "RTTIME"
    };
    private static final String[] SIGNALS = {
        "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV",
        "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU",
        "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS"
    };
    private static final Map<String, Integer> SIGNAL_NUMBERS = new HashMap<>();

    static {
        for (int i = 1; i < SIGNALS.length; i++) {
            SIGNAL_NUMBERS.put(SIGNALS[i], i);
        }
        SIGNAL_NUMBERS.put("IOT", 6);
        SIGNAL_NUMBERS.put("POLL", 29);
        SIGNAL_NUMBERS.put("CLD", 17);
        SIGNAL_NUMBERS.put("RTMIN", 34);
        SIGNAL_NUMBERS.put("RTMAX", 64);
    }

    private OciNames() {}

    /** The number of capability {@code name} ("CAP_KILL"), or -1. */
    static int capability(String name) {
        return index(CAPABILITIES, name, "CAP_");
    }

    /** The number of limit {@code name} ("RLIMIT_NOFILE"), or -1. */
    static int rlimit(String name) {
        return index(RLIMITS, name, "RLIMIT_");
    }

    /** The number of a signal given as "9", "KILL" or "SIGKILL" in any case; -1 when there is none. */
    public static int signal(String text) {
        if (!text.isEmpty() && text.chars().allMatch(c -> c >= '0' && c <= '9')) {
            int number = text.length() > 3 ? -1 : Integer.parseInt(text);
            return number >= 0 && number <= 64 ? number : -1;
        }
        String name = text.toUpperCase(Locale.ROOT);
        if (name.startsWith("SIG")) {
            name = name.substring(3);
        }
        return SIGNAL_NUMBERS.getOrDefault(name, -1);
    }

    private static int index(String[] names, String name, String prefix) {
        if (!name.startsWith(prefix)) {
            return -1;
        }
        String rest = name.substring(prefix.length());
        for (int i = 0; i < names.length; i++) {
            if (names[i].equals(rest)) {
                return i;
            }
        }
        return -1;
    }
}
