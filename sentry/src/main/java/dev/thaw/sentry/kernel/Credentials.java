package dev.thaw.sentry.kernel;

/** Who a task is (Linux: {@code struct cred}); immutable. {@code groups} are the supplementary groups. Capability sets are bit masks. */
public record Credentials(
        int uid,
        int euid,
        int suid,
        int fsuid,
        int gid,
        int egid,
        int sgid,
        int fsgid,
        int[] groups,
        long permitted,
        long effective,
        long inheritable,
        long bounding,
        long ambient) {
    /** All capabilities Linux knows (0 … CAP_CHECKPOINT_RESTORE). */
    public static final long ALL_CAPABILITIES = (1L << 41) - 1;

    /** root with every capability. */
    public static Credentials root() {
        return new Credentials(
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                new int[0],
                ALL_CAPABILITIES,
                ALL_CAPABILITIES,
                0,
                ALL_CAPABILITIES,
                0);
    }

    /** Whether capability {@code number} is effective. */
    public boolean has(int number) {
        return (effective & 1L << number) != 0;
    }

    /** Whether {@code gid} is the file-system group or a supplementary one. */
    public boolean inGroup(int gid) {
        if (gid == fsgid) {
            return true;
        }
        for (int group : groups) {
            if (group == gid) {
                return true;
            }
        }
        return false;
    }
}
