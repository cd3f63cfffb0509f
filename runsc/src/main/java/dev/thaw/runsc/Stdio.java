package dev.thaw.runsc;

/** The host descriptors that become a process's 0, 1 and 2; they stay the caller's. */
public record Stdio(int in, int out, int err) {
    /** This process's own. */
    public static final Stdio INHERIT = new Stdio(0, 1, 2);
}
