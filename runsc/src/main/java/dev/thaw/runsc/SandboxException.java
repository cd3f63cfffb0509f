package dev.thaw.runsc;

/** Something asked of a sandbox could not be done. The message is one line for the user, in runc's words where runc has some. */
public final class SandboxException extends Exception {
    private static final long serialVersionUID = 1;

    /** What kind of refusal it is, for those who must answer more than a line (HTTP status codes). */
    public enum Kind {
        /** The request, the bundle or the image is bad. */
        INVALID,
        /** There is no such container, file or process. */
        NOT_FOUND,
        /** The container is in a state that forbids it. */
        CONFLICT,
        /** The host, or we, failed. */
        INTERNAL
    }

    private final Kind kind;

    public SandboxException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    public SandboxException(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }

    public static SandboxException invalid(String message) {
        return new SandboxException(Kind.INVALID, message);
    }

    public static SandboxException notFound(String message) {
        return new SandboxException(Kind.NOT_FOUND, message);
    }

    public static SandboxException conflict(String message) {
        return new SandboxException(Kind.CONFLICT, message);
    }

    public static SandboxException internal(String message) {
        return new SandboxException(Kind.INTERNAL, message);
    }
}
