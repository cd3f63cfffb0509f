package dev.thaw.runsc.boot;

import dev.thaw.sentry.kernel.CallTrap;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/** Freezes and thaws a program again and again, at the moments that a plan names, each time through a real image. */
public final class Torture {
    private static final long PATIENCE_SECONDS = 60;

    /**
     * When to freeze: {@code every=N} calls, {@code at=K} once, {@code random=SEED,N} after 1 to N calls, {@code ms=SEED,N} after up to N milliseconds, wherever the guest is then.
     */
    record Plan(String kind, long number, int bound, Random random) {
        static Plan of(String text) {
            String[] parts = text.split("[=,]");
            long number = Long.parseLong(parts[1]);
            int bound = parts.length > 2 ? Integer.parseInt(parts[2]) : 0;
            return new Plan(parts[0], number, bound, new Random(number));
        }

        private long calls(int cycle) {
            return switch (kind) {
                case "every" -> number;
                case "at" -> cycle == 0 ? number : Long.MAX_VALUE;
                case "random" -> 1 + random.nextInt(bound);
                case "ms" -> Long.MAX_VALUE;
                default -> throw new IllegalArgumentException(kind);
            };
        }

        /** Lets the guest run to the next moment; false when it has ended before. */
        boolean await(InProcessSandbox sandbox, CallTrap trap) throws Exception {
            if (!kind.equals("ms")) {
                return sandbox.runTo(trap, PATIENCE_SECONDS);
            }
            LockSupport.parkNanos(1_000_000L + random.nextInt(bound * 1_000_000));
            if (sandbox.hasEnded()) {
                return false;
            }
            sandbox.kernel().pause();
            return !sandbox.hasEnded();
        }
    }

    /** How a program ended; {@code cycles} images were made on the way. */
    record Outcome(int code, String out, String err, int cycles) {
        boolean isLike(Outcome other) {
            return code == other.code && out.equals(other.out) && err.equals(other.err);
        }
    }

    /** Runs {@code command}; {@code kill}: each image is gone on from in a fresh kernel, else it is thrown away and the guest goes on. */
    static Outcome run(String platform, Path temp, List<String> command, Plan plan, boolean kill)
            throws Exception {
        List<String> env = new ArrayList<>();
        System.getenv().forEach((name, value) -> env.add(name + "=" + value));
        try (InProcessSandbox sandbox = new InProcessSandbox(platform, temp, command, env, "/")) {
            CallTrap trap = new CallTrap(plan.calls(0));
            sandbox.kernel().setTrap(trap);
            sandbox.start();
            int cycles = 0;
            while (plan.await(sandbox, trap)) {
                cycles++;
                if (kill) {
                    sandbox.freezeAndThaw();
                } else {
                    sandbox.save();
                }
                trap = new CallTrap(plan.calls(cycles));
                sandbox.kernel().setTrap(trap);
                sandbox.kernel().resume();
            }
            return new Outcome(
                    sandbox.exitCode(), read(sandbox.output(1)), read(sandbox.output(2)), cycles);
        }
    }

    /** The control: the program on the host itself. */
    static Outcome natively(Path temp, List<String> command) throws Exception {
        Path out = temp.resolve("native-out");
        Path err = temp.resolve("native-err");
        Process process =
                new ProcessBuilder(command)
                        .directory(Path.of("/").toFile())
                        .redirectInput(Path.of("/dev/null").toFile())
                        .redirectOutput(out.toFile())
                        .redirectError(err.toFile())
                        .start();
        int code = process.waitFor();
        return new Outcome(code, read(out), read(err), 0);
    }

    private static String read(Path file) throws Exception {
        return Files.readString(file, StandardCharsets.ISO_8859_1);
    }

    /** {@code Torture PLATFORM kill|keep PLAN COMMAND…}: one program, for a look at what went wrong. */
    public static void main(String[] args) throws Exception {
        List<String> command = List.of(args).subList(3, args.length);
        Path temp = Files.createTempDirectory("torture");
        boolean alone = Boolean.getBoolean("torture.alone"); // what runs only in a sandbox
        Outcome expected = alone ? new Outcome(0, "", "", 0) : natively(temp, command);
        long start = System.nanoTime();
        Outcome outcome = run(args[0], temp, command, Plan.of(args[2]), args[1].equals("kill"));
        long ms = (System.nanoTime() - start) / 1_000_000;
        boolean same = outcome.isLike(expected);
        System.out.printf(
                "%s after %d cycles, %d ms: %s%n",
                same ? "same" : "DIFFERENT", outcome.cycles, ms, String.join(" ", args));
        if (!same) {
            System.out.println("code " + outcome.code + " expected " + expected.code);
            System.out.println("compare the files in " + temp);
        }
        Runtime.getRuntime().halt(same ? 0 : 1);
    }

    private Torture() {}
}
