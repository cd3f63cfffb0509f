package dev.thaw.control.api;

import java.io.IOException;

/** A request body is longer than it may be. */
final class RequestTooLargeException extends IOException {
    private static final long serialVersionUID = 1L;

    RequestTooLargeException(long limit) {
        super("the request body is longer than " + limit + " bytes");
    }
}
