package dev.thaw.control.api;

import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import tools.jackson.databind.json.JsonMapper;

/** Makes problem documents. Their types are {@code urn:thaw:problem:SLUG}; a slug, once given, keeps its meaning. */
final class Problems {
    static final String TYPE = "urn:thaw:problem:";

    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final Map<Integer, String> SLUGS =
            Map.of(
                    400,
                    "invalid-request",
                    401,
                    "unauthorized",
                    403,
                    "forbidden",
                    404,
                    "not-found",
                    405,
                    "method-not-allowed",
                    406,
                    "not-acceptable",
                    413,
                    "too-large",
                    415,
                    "unsupported-media-type",
                    500,
                    "internal");

    static ProblemDetail of(HttpStatusCode status, String detail) {
        return of(
                status.value(),
                SLUGS.getOrDefault(status.value(), "http-" + status.value()),
                detail);
    }

    static ProblemDetail of(int status, String slug, String detail) {
        ProblemDetail problem =
                ProblemDetail.forStatusAndDetail(HttpStatusCode.valueOf(status), detail);
        problem.setType(URI.create(TYPE + slug));
        HttpStatus known = HttpStatus.resolve(status);
        problem.setTitle(known == null ? "Error" : known.getReasonPhrase());
        return problem;
    }

    /** Writes a problem where no controller is involved. */
    static void send(HttpServletResponse response, ProblemDetail problem) throws IOException {
        byte[] body =
                JSON.writeValueAsString(
                                Map.of(
                                        "type",
                                        String.valueOf(problem.getType()),
                                        "title",
                                        String.valueOf(problem.getTitle()),
                                        "status",
                                        problem.getStatus(),
                                        "detail",
                                        String.valueOf(problem.getDetail())))
                        .getBytes(StandardCharsets.UTF_8);
        response.setStatus(problem.getStatus());
        response.setContentType(MediaType.APPLICATION_PROBLEM_JSON_VALUE);
        response.setContentLength(body.length);
        response.getOutputStream().write(body);
    }

    private Problems() {}
}
