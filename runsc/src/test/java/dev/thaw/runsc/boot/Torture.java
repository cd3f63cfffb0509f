package dev.thaw.runsc.boot;

import dev.thaw.sentry.kernel.CallTrap;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Freezes and thaws a program again and again, at system calls that a plan names. */
public final class Torture {
    /** Says how many calls from now the next checkpoint is; 0: none any more. */
    interface Plan {
        long next(int cycle);
    }

    /** How a program ended. */
    record Outcome(int code, String out, String err, int cycles) {}

    static Outcome run(
            String platform, Path temp, List<String> command, Plan plan, boolean kill)
            throws Exception {
        try (InProcessSandbox sandbox =
                new InProcessSandbox(platform, temp, command, environment(), "/")) {
            long at = plan.next(0);
            CallTrap trap = new CallTrap(at == 0 ? Long.MAX_VALUE : at);
            sandbox.kernel().setTrap(trap);
            sandbox.start();
            int cycles = 0;
            while (sandbox.runTo(trap, 60)) {
                cycles++;
                if (kill) {
                    sandbox.freezeAndThaw();
                } else {
                    sandbox.save();
                }
                at = plan.next(cycles);
                trap = new CallTrap(at == 0 ? Long.MAX_VALUE : at);
                sandbox.kernel().setTrap(trap);
                sandbox.kernel().resume();
            }
            return new Outcome(
                    sandbox.exitCode(),
                    read(sandbox.output(1)),
                    read(sandbox.output(2)),
                    cycles);
        }
    }

    private static String read(Path file) throws Exception {
        return Files.readString(file, StandardCharsets.ISO_8859_1);
    }

    static List<String> environment() {
        List<String> env = new ArrayList<>();
        System.getenv().forEach((name, value) -> env.add(name + "=" + value));
        return env;
    }

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

    /** {@code Torture PLATFORM kill|keep PLAN COMMAND…}; PLAN: every=N, at=K, from=K,N, random=SEED,N. */
    public static void main(String[] args) throws Exception {
        List<String> command = List.of(args).subList(3, args.length);
        Path temp = Files.createTempDirectory("torture");
        Outcome expected = natively(temp, command);
        long start = System.nanoTime();
        Outcome outcome = run(args[0], temp, command, plan(args[2]), args[1].equals("kill"));
        long ms = (System.nanoTime() - start) / 1_000_000;
        boolean same =
                outcome.code == expected.code
                        && outcome.out.equals(expected.out)
                        && outcome.err.equals(expected.err);
        System.out.println(
                (same ? "same" : "DIFFERENT")
                        + " after "
                        + outcome.cycles
                        + " cycles, "
                        + ms
                        + " ms: "
                        + args[0]
                        + " "
                        + args[1]
                        + " "
                        + args[2]
                        + " "
                        + String.join(" ", command).replace("\n", "\\n").substring(0, Math.min(80, String.join(" ", command).length())));
        if (!same) {
            System.out.println("code " + outcome.code + " expected " + expected.code);
            System.out.println("--- out\n" + outcome.out + "--- expected\n" + expected.out + "--- err\n" + outcome.err + "--- expected\n" + expected.err);
        }
        Runtime.getRuntime().halt(same ? 0 : 1);
    }

    static Plan plan(String text) {
        String[] parts = text.split("[=,]");
        long a = Long.parseLong(parts[1]);
        return switch (parts[0]) {
            case "every" -> _ -> a;
            case "at" -> cycle -> cycle == 0 ? a : 0;
            case "random" -> {
                Random random = new Random(a);
                int bound = Integer.parseInt(parts[2]);
                yield _ -> 1 + random.nextInt(bound);
            }
            default -> throw new IllegalArgumentException(text);
        };
    }

    private Torture() {}
}
