package dev.thaw.runsc.oci;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * {@code process} of a configuration: what to run and as whom. Arguments, environment and working directory are raw bytes as ISO-8859-1 characters. Capabilities are bit masks; {@code rlimits} maps an RLIMIT number to {soft, hard}.
 */
public record ProcessConfig(
        boolean terminal,
        List<String> args,
        List<String> env,
        String cwd,
        User user,
        Capabilities capabilities,
        Map<Integer, long[]> rlimits,
        boolean noNewPrivileges) {

    /** {@code process.user}; {@code umask} is -1 where none is given. */
    public record User(int uid, int gid, int[] additionalGids, int umask) {
        public static final User ROOT = new User(0, 0, new int[0], -1);
    }

    /** {@code process.capabilities}. */
    public record Capabilities(
            long bounding, long effective, long inheritable, long permitted, long ambient) {
        public static final Capabilities NONE = new Capabilities(0, 0, 0, 0, 0);
        public static final Capabilities ALL = of((1L << 41) - 1);

        /** {@code mask} in the bounding, effective and permitted sets. */
        public static Capabilities of(long mask) {
            return new Capabilities(mask, mask, 0, mask, 0);
        }
    }

    /** A process as root with every capability, no terminal and no limits. */
    public static ProcessConfig of(List<String> args, List<String> env, String cwd) {
        return new ProcessConfig(
                false,
                List.copyOf(args),
                List.copyOf(env),
                cwd,
                User.ROOT,
                Capabilities.ALL,
                Map.of(),
                false);
    }

    public ProcessConfig withArgs(List<String> other) {
        return new ProcessConfig(
                terminal,
                List.copyOf(other),
                env,
                cwd,
                user,
                capabilities,
                rlimits,
                noNewPrivileges);
    }

    public ProcessConfig withCwd(String other) {
        return new ProcessConfig(
                terminal, args, env, other, user, capabilities, rlimits, noNewPrivileges);
    }

    public ProcessConfig withTerminal(boolean other) {
        return new ProcessConfig(
                other, args, env, cwd, user, capabilities, rlimits, noNewPrivileges);
    }

    public ProcessConfig withCapabilities(Capabilities other) {
        return new ProcessConfig(terminal, args, env, cwd, user, other, rlimits, noNewPrivileges);
    }

    /** Another user; one who is not root keeps no effective capability, as execve(2) has it. */
    public ProcessConfig withUser(User other) {
        Capabilities caps =
                other.uid() == 0
                        ? capabilities
                        : new Capabilities(capabilities.bounding(), 0, 0, 0, 0);
        return new ProcessConfig(terminal, args, env, cwd, other, caps, rlimits, noNewPrivileges);
    }

    /** The environment with {@code added} ("NAME=value") over it. */
    public ProcessConfig withEnv(List<String> added) {
        ArrayList<String> merged = new ArrayList<>(env);
        for (String variable : added) {
            int equals = variable.indexOf('=');
            String prefix = equals < 0 ? variable + "=" : variable.substring(0, equals + 1);
            merged.removeIf(old -> old.startsWith(prefix));
            merged.add(equals < 0 ? prefix : variable);
        }
        return new ProcessConfig(
                terminal,
                args,
                List.copyOf(merged),
                cwd,
                user,
                capabilities,
                new TreeMap<>(rlimits),
                noNewPrivileges);
    }
}
