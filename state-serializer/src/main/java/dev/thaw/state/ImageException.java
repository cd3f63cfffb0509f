package dev.thaw.state;

/** An image that can not be used: damaged, forged, too new, or made for another machine. The message is one line and names the file. */
public final class ImageException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public ImageException(String message) {
        super(message);
    }

    public ImageException(String message, Throwable cause) {
        super(message, cause);
    }
}
