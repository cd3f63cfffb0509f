package dev.thaw.control.engine;

import java.util.concurrent.CompletableFuture;

/** A live sandbox. Its owner calls one function at a time, {@link #destroy} excepted, which may come at any moment. */
public interface EngineSandbox {
    /** The host process that ends when the sandbox does. */
    int pid();

    /** Collects the ended process {@link #pid}: its exit code, 128 + n after signal n. */
    int reap();

    void pause() throws EngineException;

    void resume() throws EngineException;

    /** Writes an image, all of it or nothing; without {@code leaveRunning} the sandbox is ended by it. */
    ImageInfo checkpoint(boolean leaveRunning) throws EngineException;

    /** Starts a program with the descriptors as its output (they stay the caller's). */
    Exec exec(ExecConfig config, int stdinFd, int stdoutFd, int stderrFd) throws EngineException;

    /** Kills the sandbox; returns without waiting for its process. Harmless when it has ended. */
    void destroy();

    /** A program started by {@link #exec}. */
    interface Exec extends AutoCloseable {
        /** Its exit code, when it comes. */
        CompletableFuture<Integer> exitCode();

        /** Kills it. */
        void kill();

        /** Lets go of it. */
        @Override
        void close();
    }
}
