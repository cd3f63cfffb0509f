package dev.thaw.control;

/** The server can not start as it is configured; the message is one line for its operator. */
public final class StartupException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final String action;

    public StartupException(String message, String action) {
        super(message);
        this.action = action;
    }

    /** What to do about it. */
    public String action() {
        return action;
    }
}
