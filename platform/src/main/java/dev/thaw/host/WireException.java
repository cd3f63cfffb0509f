package dev.thaw.host;

/** A message of the peer that does not say what its kind must say: too short, too long, or out of bounds. Without a stack trace, since a hostile peer causes it. */
public final class WireException extends Exception {
    private static final long serialVersionUID = 1L;

    public WireException(String message) {
        super(message, null, false, false);
    }
}
