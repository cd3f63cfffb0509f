package dev.thaw.control.engine;

import org.jspecify.annotations.Nullable;

/** The engine could not do what was asked. The message is one line for the client. */
public final class EngineException extends Exception {
    private static final long serialVersionUID = 1L;

    /** Whose fault it is. */
    public enum Kind {
        /** The request or the image can not be used. */
        INVALID,
        /** There is no such sandbox or image. */
        NOT_FOUND,
        /** The sandbox's state forbids it. */
        CONFLICT,
        /** The host, or we, failed. */
        INTERNAL
    }

    private final Kind kind;

    public EngineException(Kind kind, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }
}
