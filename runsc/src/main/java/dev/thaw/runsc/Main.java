package dev.thaw.runsc;

import dev.thaw.runsc.cli.Runsc;

/** The command line. */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        int code = Runsc.execute(args);
        System.out.flush();
        Runtime.getRuntime().halt(code);
    }
}
