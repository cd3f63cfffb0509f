package dev.thaw.control.sandbox;

import dev.thaw.control.engine.EngineException;

/** A request that is refused, with the status and the kind of problem that the client gets. */
public final class ApiException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final String slug;

    private ApiException(int status, String slug, String detail) {
        super(detail, null, false, false);
        this.status = status;
        this.slug = slug;
    }

    public static ApiException notFound(String detail) {
        return new ApiException(404, "not-found", detail);
    }

    public static ApiException conflict(String detail) {
        return new ApiException(409, "conflict", detail);
    }

    public static ApiException wrongState(String detail) {
        return new ApiException(409, "wrong-state", detail);
    }

    public static ApiException invalid(String detail) {
        return new ApiException(400, "invalid-request", detail);
    }

    /** Names what can not be run: a missing program, a bad image. */
    public static ApiException unprocessable(String slug, String detail) {
        return new ApiException(422, slug, detail);
    }

    public static ApiException tooMany(String detail) {
        return new ApiException(429, "too-many-sandboxes", detail);
    }

    public static ApiException internal(String detail) {
        return new ApiException(500, "internal", detail);
    }

    /** What an engine's refusal means for the client; {@code invalidSlug} names what was unusable. */
    public static ApiException of(EngineException e, String invalidSlug) {
        String detail = String.valueOf(e.getMessage());
        return switch (e.kind()) {
            case INVALID -> unprocessable(invalidSlug, detail);
            case NOT_FOUND -> notFound(detail);
            case CONFLICT -> wrongState(detail);
            case INTERNAL -> internal(detail);
        };
    }

    public int status() {
        return status;
    }

    /** The last part of the problem's type. */
    public String slug() {
        return slug;
    }
}
