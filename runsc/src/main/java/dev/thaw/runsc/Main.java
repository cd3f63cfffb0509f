package dev.thaw.runsc;

import dev.thaw.host.HostProcess;
import dev.thaw.runsc.cli.Runsc;

/** The command line. */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        int code = Runsc.execute(args);
        System.out.flush();
        if (Boolean.getBoolean("thaw.aot.train.cli")) {
            Runtime.getRuntime().halt(code); // writes the class cache
        }
        HostProcess.exit(code);
    }
}
