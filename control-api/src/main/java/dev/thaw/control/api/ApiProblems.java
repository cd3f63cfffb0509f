package dev.thaw.control.api;

import dev.thaw.control.sandbox.ApiException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.MessageSourceResolvable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.validation.FieldError;
import org.springframework.web.ErrorResponse;
import org.springframework.web.bind.MethodArgumentNotValidException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.WebRequest;
import org.springframework.web.method.annotation.HandlerMethodValidationException;
import org.springframework.web.method.annotation.MethodArgumentTypeMismatchException;
import org.springframework.web.servlet.mvc.method.annotation.ResponseEntityExceptionHandler;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.exc.UnrecognizedPropertyException;

/** Every error of a request as a problem document. */
@RestControllerAdvice
class ApiProblems extends ResponseEntityExceptionHandler {
    private static final Logger LOG = LoggerFactory.getLogger(ApiProblems.class);

    @ExceptionHandler(ApiException.class)
    ResponseEntity<ProblemDetail> refused(ApiException e) {
        return respond(Problems.of(e.status(), e.slug(), String.valueOf(e.getMessage())));
    }

    /** Ours: the client learns that, and nothing else. */
    @ExceptionHandler(Exception.class)
    ResponseEntity<ProblemDetail> failed(Exception e) {
        LOG.error("request failed", e);
        return respond(
                Problems.of(
                        HttpStatus.INTERNAL_SERVER_ERROR, "the server failed; its log says why"));
    }

    @Override
    protected @Nullable ResponseEntity<Object> handleHttpMessageNotReadable(
            HttpMessageNotReadableException e,
            HttpHeaders headers,
            HttpStatusCode status,
            WebRequest request) {
        for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
            if (cause instanceof RequestTooLargeException) {
                return problem(
                        Problems.of(
                                HttpStatus.CONTENT_TOO_LARGE, String.valueOf(cause.getMessage())));
            }
        }
        String detail =
                switch (e.getCause()) {
                    case UnrecognizedPropertyException unknown ->
                            "unknown field \""
                                    + unknown.getPropertyName()
                                    + "\" at "
                                    + path(unknown);
                    case DatabindException wrong ->
                            "wrong value at " + path(wrong) + ": " + firstLine(wrong);
                    case JacksonException malformed -> "malformed JSON: " + firstLine(malformed);
                    case null, default -> "the request has no readable body";
                };
        return problem(Problems.of(HttpStatus.BAD_REQUEST, detail));
    }

    @Override
    protected @Nullable ResponseEntity<Object> handleMethodArgumentNotValid(
            MethodArgumentNotValidException e,
            HttpHeaders headers,
            HttpStatusCode status,
            WebRequest request) {
        List<Map<String, String>> errors = new ArrayList<>();
        for (FieldError error : e.getBindingResult().getFieldErrors()) {
            errors.add(
                    Map.of(
                            "field",
                            error.getField(),
                            "message",
                            String.valueOf(error.getDefaultMessage())));
        }
        return invalid(errors);
    }

    @Override
    protected @Nullable ResponseEntity<Object> handleHandlerMethodValidationException(
            HandlerMethodValidationException e,
            HttpHeaders headers,
            HttpStatusCode status,
            WebRequest request) {
        List<Map<String, String>> errors = new ArrayList<>();
        e.getParameterValidationResults()
                .forEach(
                        result -> {
                            String name =
                                    String.valueOf(result.getMethodParameter().getParameterName());
                            for (MessageSourceResolvable error : result.getResolvableErrors()) {
                                errors.add(
                                        Map.of(
                                                "field",
                                                name,
                                                "message",
                                                String.valueOf(error.getDefaultMessage())));
                            }
                        });
        return invalid(errors);
    }

    /** Whatever else Spring refuses: an unknown path, a wrong method, a wrong media type. */
    @Override
    protected @Nullable ResponseEntity<Object> handleExceptionInternal(
            Exception e,
            @Nullable Object body,
            HttpHeaders headers,
            HttpStatusCode status,
            WebRequest request) {
        String detail =
                e instanceof MethodArgumentTypeMismatchException mismatch
                        ? "parameter " + mismatch.getName() + " has a wrong value"
                        : e instanceof ErrorResponse response
                                ? String.valueOf(response.getBody().getDetail())
                                : "the request can not be served";
        if (status.is5xxServerError()) {
            LOG.error("request failed", e);
        }
        ProblemDetail problem = Problems.of(status, detail);
        return ResponseEntity.status(status)
                .headers(headers)
                .contentType(MediaType.APPLICATION_PROBLEM_JSON)
                .body(problem);
    }

    private static ResponseEntity<Object> invalid(List<Map<String, String>> errors) {
        StringBuilder detail = new StringBuilder();
        for (Map<String, String> error : errors) {
            detail.append(detail.isEmpty() ? "" : "; ")
                    .append(error.get("field"))
                    .append(' ')
                    .append(error.get("message"));
        }
        ProblemDetail problem = Problems.of(HttpStatus.BAD_REQUEST, detail.toString());
        problem.setProperty("errors", errors);
        return problem(problem);
    }

    private static String path(DatabindException e) {
        String path =
                e.getPath().isEmpty()
                        ? ""
                        : e.getPathReference()
                                .replaceAll("[\\w.$]+\\[\"", "[\"")
                                .replaceAll("\\[\"([^\"]*)\"]", ".$1");
        return "$" + path.replace("->", "");
    }

    private static String firstLine(JacksonException e) {
        String message = String.valueOf(e.getOriginalMessage());
        int end = message.indexOf('\n');
        String line = end < 0 ? message : message.substring(0, end);
        return line.replaceAll("`?(java|dev|tools)\\.[\\w.$<>,` ]+`?", "the expected type");
    }

    private static ResponseEntity<Object> problem(ProblemDetail problem) {
        return ResponseEntity.status(problem.getStatus())
                .contentType(MediaType.APPLICATION_PROBLEM_JSON)
                .body(problem);
    }

    private static ResponseEntity<ProblemDetail> respond(ProblemDetail problem) {
        return ResponseEntity.status(problem.getStatus())
                .contentType(MediaType.APPLICATION_PROBLEM_JSON)
                .body(problem);
    }
}
