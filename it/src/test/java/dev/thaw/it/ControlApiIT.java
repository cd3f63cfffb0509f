package dev.thaw.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The server as a client meets it: real sandboxes over HTTP. */
class ControlApiIT {
    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static final String COUNTER =
            "{\"command\":[\"/bin/busybox\",\"sh\",\"-c\",\"i=0; while :; do i=$((i+1)); echo n $i; sleep 0.02; done\"]}";

    @SuppressWarnings("NullAway.Init")
    private static Process server;

    @SuppressWarnings("NullAway.Init")
    private static Path work;

    private static int port;

    @BeforeAll
    static void startServer() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            port = socket.getLocalPort();
        }
        work = Files.createTempDirectory("thaw-control-it-");
        server =
                new ProcessBuilder(
                                Guests.ROOT.resolve("bin/thaw-server").toString(),
                                "--server.port=" + port,
                                "--thaw.control.state-directory=" + work.resolve("state"),
                                "--thaw.control.checkpoint-directory="
                                        + work.resolve("checkpoints"))
                        .redirectErrorStream(true)
                        .redirectOutput(work.resolve("log").toFile())
                        .start();
        Runsc.awaitText(work.resolve("log"), "Started ");
    }

    @AfterAll
    static void stopServer() throws InterruptedException {
        List<String> pids = Processes.descendants(server.pid());
        server.destroy();
        assertThat(server.waitFor(30, TimeUnit.SECONDS)).isTrue();
        Processes.awaitGone(pids);
        Native.run(List.of("rm", "-rf", work.toString()));
    }

    private static HttpResponse<String> call(String method, String path, String body) {
        HttpRequest request =
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                        .method(
                                method,
                                body.isEmpty()
                                        ? HttpRequest.BodyPublishers.noBody()
                                        : HttpRequest.BodyPublishers.ofString(body))
                        .header("Content-Type", "application/json")
                        .build();
        try {
            return CLIENT.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(Runsc.read(work.resolve("log")), e);
        }
    }

    private static String ok(String method, String path, String body) {
        HttpResponse<String> response = call(method, path, body);
        assertThat(response.statusCode())
                .as(() -> path + ": " + response.body() + Runsc.read(work.resolve("log")))
                .isBetween(200, 299);
        return response.body();
    }

    private static String field(String json, String name) {
        Matcher matcher = Pattern.compile("\"" + name + "\"\\s*:\\s*\"?([^\",}]*)").matcher(json);
        assertThat(matcher.find()).as(name + " in " + json).isTrue();
        return matcher.group(1);
    }

    private static String awaitLog(String id, String text) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (true) {
            String log = ok("GET", "/v1/sandboxes/" + id + "/logs", "");
            if (log.contains(text)) {
                return log;
            }
            assertThat(System.nanoTime()).as(log).isLessThan(deadline);
            Runsc.pause(10);
        }
    }

    private static void assertProblem(HttpResponse<String> response, int status) {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        assertThat(response.headers().firstValue("Content-Type").orElse(""))
                .startsWith("application/problem+json");
        assertThat(response.body()).contains("\"status\"").contains("\"detail\"");
    }

    @Test
    void sandbox_frozenAndThawedTwice() {
        String id = field(ok("POST", "/v1/sandboxes", COUNTER), "id");
        awaitLog(id, "n 10\n");
        assertThat(field(ok("POST", "/v1/sandboxes/" + id + "/pause", ""), "status"))
                .isEqualTo("paused");
        assertProblem(call("POST", "/v1/sandboxes/" + id + "/pause", ""), 409);
        assertThat(field(ok("POST", "/v1/sandboxes/" + id + "/resume", ""), "status"))
                .isEqualTo("running");
        String executed =
                ok(
                        "POST",
                        "/v1/sandboxes/" + id + "/exec",
                        "{\"command\":[\"/bin/busybox\",\"sh\",\"-c\",\"echo inside; exit 3\"]}");
        assertThat(executed).contains("inside").contains("3");
        String checkpoint =
                field(
                        ok(
                                "POST",
                                "/v1/sandboxes/" + id + "/checkpoint",
                                "{\"leaveRunning\":false}"),
                        "id");
        assertThat(ok("GET", "/v1/checkpoints", "")).contains(checkpoint);
        String before = ok("GET", "/v1/sandboxes/" + id + "/logs", "");
        long count = before.lines().count();
        ok("DELETE", "/v1/sandboxes/" + id, "");
        assertProblem(call("GET", "/v1/sandboxes/" + id, ""), 404);
        for (int i = 0; i < 2; i++) {
            String copy =
                    field(ok("POST", "/v1/checkpoints/" + checkpoint + "/restore", "{}"), "id");
            assertThat(awaitLog(copy, "\nn " + (count + 5) + "\n"))
                    .startsWith("n " + (count + 1) + "\n");
            ok("DELETE", "/v1/sandboxes/" + copy, "");
        }
        ok("DELETE", "/v1/checkpoints/" + checkpoint, "");
        assertProblem(call("GET", "/v1/checkpoints/" + checkpoint, ""), 404);
        String metrics = ok("GET", "/actuator/prometheus", "");
        assertThat(metrics)
                .contains("thaw_checkpoint")
                .contains("thaw_restore")
                .contains("thaw_sandboxes");
    }

    @Test
    void damagedImage_isRefused_andTheSourceGoesOn() throws IOException {
        String id = field(ok("POST", "/v1/sandboxes", COUNTER), "id");
        awaitLog(id, "n 3\n");
        String checkpoint =
                field(
                        ok(
                                "POST",
                                "/v1/sandboxes/" + id + "/checkpoint",
                                "{\"leaveRunning\":true}"),
                        "id");
        for (String part : List.of("pack", "meta", "chunks")) {
            Path file = work.resolve("checkpoints/images/" + checkpoint + "." + part);
            byte[] whole = Files.readAllBytes(file);
            byte[] flipped = whole.clone();
            flipped[whole.length / 2] ^= 1;
            Files.write(file, flipped);
            HttpResponse<String> response =
                    call("POST", "/v1/checkpoints/" + checkpoint + "/restore", "{}");
            assertProblem(response, 422);
            assertThat(response.body()).contains(file.getFileName().toString());
            Files.write(file, whole);
        }
        String copy = field(ok("POST", "/v1/checkpoints/" + checkpoint + "/restore", "{}"), "id");
        awaitLog(copy, "n ");
        assertThat(field(ok("GET", "/v1/sandboxes/" + id, ""), "status")).isEqualTo("running");
        for (String sandbox : List.of(copy, id)) {
            ok("DELETE", "/v1/sandboxes/" + sandbox, "");
        }
        ok("DELETE", "/v1/checkpoints/" + checkpoint, "");
    }

    @Test
    void badRequests_getProblems() {
        assertProblem(call("POST", "/v1/sandboxes", "{\"command\":"), 400);
        assertProblem(call("POST", "/v1/sandboxes", "{\"command\":[]}"), 400);
        assertProblem(
                call("POST", "/v1/sandboxes", "{\"command\":[\"/bin/true\"],\"nonsense\":1}"), 400);
        assertProblem(call("POST", "/v1/sandboxes", "{\"command\":[\"/no/such/program\"]}"), 422);
        assertProblem(call("GET", "/v1/sandboxes/none", ""), 404);
        assertProblem(call("POST", "/v1/checkpoints/none/restore", "{}"), 404);
        assertProblem(call("PUT", "/v1/sandboxes", "{}"), 405);
        assertThat(field(ok("GET", "/actuator/health", ""), "status")).isEqualTo("UP");
        assertThat(ok("GET", "/v3/api-docs", "")).contains("/v1/sandboxes/{id}/checkpoint");
    }

    @Test
    void openAddress_wantsAToken() throws Exception {
        Process open =
                new ProcessBuilder(
                                Guests.ROOT.resolve("bin/thaw-server").toString(),
                                "--server.port=0",
                                "--server.address=0.0.0.0",
                                "--thaw.control.state-directory=" + work.resolve("open"),
                                "--thaw.control.checkpoint-directory="
                                        + work.resolve("open-checkpoints"))
                        .redirectErrorStream(true)
                        .redirectOutput(work.resolve("open-log").toFile())
                        .start();
        assertThat(open.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(open.exitValue()).isNotZero();
        assertThat(Runsc.read(work.resolve("open-log"))).contains("token");
    }
}
