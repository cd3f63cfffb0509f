package dev.thaw.platform;

/** The host can not give what a platform needs: no process, no memory, a missing kernel feature. */
public final class PlatformException extends Exception {
    private static final long serialVersionUID = 1;

    public PlatformException(String message) {
        super(message);
    }

    public PlatformException(String message, Throwable cause) {
        super(message, cause);
    }
}
