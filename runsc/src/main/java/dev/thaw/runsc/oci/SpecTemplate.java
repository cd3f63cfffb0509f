package dev.thaw.runsc.oci;

/** The configuration that {@code runsc spec} writes: runc's, without what an application kernel has no use for. */
public final class SpecTemplate {
    private static final String CAPS =
            "[\"CAP_AUDIT_WRITE\", \"CAP_KILL\", \"CAP_NET_BIND_SERVICE\"]";

    private SpecTemplate() {}

    /** A configuration that runs {@code sh} in {@code rootfs}. */
    public static String json() {
        return """
                {
                	"ociVersion": "1.2.0",
                	"process": {
                		"terminal": false,
                		"user": {"uid": 0, "gid": 0},
                		"args": ["sh"],
                		"env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
                		"cwd": "/",
                		"capabilities": {
                			"bounding": @CAPS@,
                			"effective": @CAPS@,
                			"permitted": @CAPS@
                		},
                		"rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
                		"noNewPrivileges": true
                	},
                	"root": {"path": "rootfs", "readonly": true},
                	"hostname": "runsc",
                	"mounts": [
                		{"destination": "/proc", "type": "proc", "source": "proc"},
                		{"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
                		{"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
                		{"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
                		{"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]}
                	],
                	"linux": {
                		"namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}]
                	}
                }
                """
                .replace("@CAPS@", CAPS);
    }
}
