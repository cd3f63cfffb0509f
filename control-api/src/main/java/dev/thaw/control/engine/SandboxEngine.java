package dev.thaw.control.engine;

/** What runs sandboxes and keeps their images. Safe for use by several threads. */
public interface SandboxEngine extends AutoCloseable {
    /** Makes a sandbox and starts its program; the descriptors become its stdio and stay the caller's. The sandbox dies with this process. */
    EngineSandbox start(String id, SandboxConfig config, int stdinFd, int stdoutFd, int stderrFd)
            throws EngineException;

    /** As {@link #start}, from an image; {@code config} is what the sandbox of the image was made of. */
    EngineSandbox restore(
            String id,
            String imageId,
            SandboxConfig config,
            int stdinFd,
            int stdoutFd,
            int stderrFd)
            throws EngineException;

    /** Removes an image and what only it uses. */
    void deleteImage(String imageId) throws EngineException;

    /** Removes what is left of a sandbox whose process has ended. */
    void forget(String id);

    /** Removes what an earlier server left behind, and lets go of everything at the end. */
    @Override
    void close();
}
