package dev.thaw.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.endsWith;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.matchesPattern;
import static org.hamcrest.Matchers.not;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.delete;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.get;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.post;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.put;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.content;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.header;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.jsonPath;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.status;

import com.jayway.jsonpath.JsonPath;
import dev.thaw.control.engine.EngineException;
import dev.thaw.control.engine.EngineException.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.webmvc.test.autoconfigure.AutoConfigureMockMvc;
import org.springframework.boot.webmvc.test.autoconfigure.MockMvcPrint;
import org.springframework.context.annotation.Import;
import org.springframework.http.MediaType;
import org.springframework.test.context.ActiveProfiles;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.springframework.test.web.servlet.MockMvc;
import org.springframework.test.web.servlet.ResultActions;
import org.springframework.test.web.servlet.request.MockHttpServletRequestBuilder;

/** Every endpoint, and every way to be refused, with sandboxes that are processes of the host. */
@SpringBootTest
@AutoConfigureMockMvc(print = MockMvcPrint.NONE)
@ActiveProfiles("fake")
@Import(FakeEngine.Config.class)
class ControlApiTest {
    @TempDir static Path directory;

    @DynamicPropertySource
    static void properties(DynamicPropertyRegistry registry) {
        registry.add("thaw.control.state-directory", () -> directory.resolve("state"));
        registry.add("thaw.control.checkpoint-directory", () -> directory.resolve("images"));
        registry.add("thaw.control.max-request", () -> "16KB");
        registry.add("thaw.control.log-limit", () -> "64KB");
        registry.add("thaw.control.max-sandboxes", () -> "4");
    }

    @Autowired private MockMvc mvc;
    @Autowired private FakeEngine engine;

    @AfterEach
    void removeAll() throws Exception {
        engine.next = null;
        for (String kind : new String[] {"sandboxes", "checkpoints"}) {
            String list =
                    mvc.perform(get("/v1/" + kind)).andReturn().getResponse().getContentAsString();
            for (Object id : JsonPath.<List<Object>>read(list, "$.items[*].id")) {
                mvc.perform(delete("/v1/" + kind + "/" + id)).andExpect(status().isNoContent());
            }
        }
        assertThat(engine.alive).as("no process is left").isEmpty();
        assertThat(directory.resolve("state/logs")).isEmptyDirectory();
        assertThat(directory.resolve("images/catalog")).isEmptyDirectory();
    }

    private static MockHttpServletRequestBuilder json(
            MockHttpServletRequestBuilder request, String body) {
        return request.contentType(MediaType.APPLICATION_JSON).content(body.replace('\'', '"'));
    }

    private String create(String script) throws Exception {
        String response =
                mvc.perform(
                                json(
                                        post("/v1/sandboxes"),
                                        "{'command': ['/bin/sh', '-c', '"
                                                + script
                                                + "'], 'name': 'n', 'labels': {'a': 'b'}}"))
                        .andExpect(status().isCreated())
                        .andReturn()
                        .getResponse()
                        .getContentAsString();
        return JsonPath.read(response, "$.id");
    }

    private static ResultActions problem(ResultActions actions, int code, String slug)
            throws Exception {
        return actions.andExpect(status().is(code))
                .andExpect(content().contentType(MediaType.APPLICATION_PROBLEM_JSON))
                .andExpect(jsonPath("$.status").value(code))
                .andExpect(jsonPath("$.type").value("urn:thaw:problem:" + slug))
                .andExpect(jsonPath("$.title").isNotEmpty())
                .andExpect(jsonPath("$.detail").isNotEmpty());
    }

    private void awaitState(String id, String state) throws Exception {
        for (int i = 0; i < 500; i++) {
            String view =
                    mvc.perform(get("/v1/sandboxes/" + id))
                            .andReturn()
                            .getResponse()
                            .getContentAsString();
            if (JsonPath.<String>read(view, "$.status").equals(state)) {
                return;
            }
            LockSupport.parkNanos(10_000_000);
        }
        throw new AssertionError("sandbox never became " + state);
    }

    @Test
    void create_answersWithTheSandboxAndItsPlace() throws Exception {
        mvc.perform(
                        json(
                                post("/v1/sandboxes"),
                                "{'command': ['/bin/sleep', '60'], 'env': {'A': 'secret'}, 'limits': {'memoryBytes': 1073741824, 'pids': 10}}"))
                .andExpect(status().isCreated())
                .andExpect(
                        header().string(
                                        "Location",
                                        matchesPattern("/v1/sandboxes/sb-[a-z0-9]{16}")))
                .andExpect(jsonPath("$.status").value("running"))
                .andExpect(jsonPath("$.command[0]").value("/bin/sleep"))
                .andExpect(jsonPath("$.root").value("host"))
                .andExpect(jsonPath("$.cwd").value("/"))
                .andExpect(jsonPath("$.platform").value("systrap"))
                .andExpect(jsonPath("$.memoryBytes").value(1073741824))
                .andExpect(jsonPath("$.pids").value(10))
                .andExpect(jsonPath("$.exitCode").doesNotExist())
                .andExpect(content().string(not(containsString("secret"))));
    }

    @Test
    void list_get_delete() throws Exception {
        String id = create("sleep 60");
        mvc.perform(get("/v1/sandboxes"))
                .andExpect(status().isOk())
                .andExpect(jsonPath("$.items[*].id", hasItem(id)));
        mvc.perform(get("/v1/sandboxes/" + id))
                .andExpect(jsonPath("$.name").value("n"))
                .andExpect(jsonPath("$.labels.a").value("b"));
        mvc.perform(delete("/v1/sandboxes/" + id)).andExpect(status().isNoContent());
        problem(mvc.perform(get("/v1/sandboxes/" + id)), 404, "not-found");
        problem(mvc.perform(delete("/v1/sandboxes/" + id)), 404, "not-found");
    }

    @Test
    void endOfTheProgram_isSeenWithItsExitCode() throws Exception {
        String id = create("exit 7");
        awaitState(id, "stopped");
        mvc.perform(get("/v1/sandboxes/" + id))
                .andExpect(jsonPath("$.exitCode").value(7))
                .andExpect(jsonPath("$.finishedAt").isNotEmpty());
        problem(mvc.perform(post("/v1/sandboxes/" + id + "/pause")), 409, "wrong-state");
        problem(mvc.perform(post("/v1/sandboxes/" + id + "/checkpoint")), 409, "wrong-state");
        problem(
                mvc.perform(
                        json(post("/v1/sandboxes/" + id + "/exec"), "{'command': ['/bin/true']}")),
                409,
                "wrong-state");
    }

    @Test
    void pause_and_resume() throws Exception {
        String id = create("sleep 60");
        problem(mvc.perform(post("/v1/sandboxes/" + id + "/resume")), 409, "wrong-state");
        mvc.perform(post("/v1/sandboxes/" + id + "/pause"))
                .andExpect(status().isOk())
                .andExpect(jsonPath("$.status").value("paused"));
        problem(mvc.perform(post("/v1/sandboxes/" + id + "/pause")), 409, "wrong-state");
        mvc.perform(post("/v1/sandboxes/" + id + "/resume"))
                .andExpect(status().isOk())
                .andExpect(jsonPath("$.status").value("running"));
    }

    @Test
    void logs_giveEachStream_fromAnOffset_andWait() throws Exception {
        String id = create("echo out; echo err >&2; sleep 0.3; echo late");
        mvc.perform(get("/v1/sandboxes/" + id + "/logs?waitSeconds=10"))
                .andExpect(status().isOk())
                .andExpect(content().string("out\n"))
                .andExpect(content().contentTypeCompatibleWith("text/plain"))
                .andExpect(header().string("Thaw-Log-Next", "4"));
        mvc.perform(get("/v1/sandboxes/" + id + "/logs?stream=stderr&waitSeconds=10"))
                .andExpect(content().string("err\n"));
        mvc.perform(get("/v1/sandboxes/" + id + "/logs?offset=4&waitSeconds=10"))
                .andExpect(content().string("late\n"));
        awaitState(id, "stopped");
        mvc.perform(get("/v1/sandboxes/" + id + "/logs?offset=9&waitSeconds=10"))
                .andExpect(content().string(""))
                .andExpect(header().string("Thaw-Log-Ended", "true"));
        mvc.perform(get("/v1/sandboxes/" + id + "/logs?offset=-5"))
                .andExpect(content().string("late\n"));
        mvc.perform(get("/v1/sandboxes/" + id + "/logs?offset=2&limit=3"))
                .andExpect(content().string("t\nl"));
        problem(
                mvc.perform(get("/v1/sandboxes/" + id + "/logs?stream=both")),
                400,
                "invalid-request");
        problem(mvc.perform(get("/v1/sandboxes/" + id + "/logs?offset=x")), 400, "invalid-request");
        problem(mvc.perform(get("/v1/sandboxes/" + id + "/logs?limit=0")), 400, "invalid-request");
        problem(mvc.perform(get("/v1/sandboxes/none/logs")), 404, "not-found");
    }

    @Test
    void logs_areBounded_andKeepTheEnd() throws Exception {
        String id = create("i=0; while [ $i -lt 30000 ]; do echo line $i; i=$((i+1)); done");
        awaitState(id, "stopped");
        mvc.perform(get("/v1/sandboxes/" + id + "/logs?waitSeconds=5"))
                .andExpect(content().string(endsWith("line 29999\n")))
                .andExpect(
                        result ->
                                assertThat(result.getResponse().getContentAsByteArray())
                                        .hasSize(64 << 10))
                .andExpect(header().string("Thaw-Log-Ended", "true"));
        assertThat(Files.size(directory.resolve("state/logs/" + id + ".out"))).isEqualTo(64 << 10);
    }

    @Test
    void exec_givesExitCodeAndOutput() throws Exception {
        String id = create("sleep 60");
        mvc.perform(
                        json(
                                post("/v1/sandboxes/" + id + "/exec"),
                                "{'command': ['/bin/sh', '-c', 'echo $V; echo no >&2; exit 3'], 'env': {'V': 'yes'}}"))
                .andExpect(status().isOk())
                .andExpect(jsonPath("$.exitCode").value(3))
                .andExpect(jsonPath("$.stdout").value("yes\n"))
                .andExpect(jsonPath("$.stderr").value("no\n"))
                .andExpect(jsonPath("$.timedOut").value(false));
        mvc.perform(
                        json(
                                post("/v1/sandboxes/" + id + "/exec"),
                                "{'command': ['/bin/sleep', '60'], 'timeoutSeconds': 1}"))
                .andExpect(jsonPath("$.timedOut").value(true))
                .andExpect(jsonPath("$.exitCode").value(137));
        problem(
                mvc.perform(json(post("/v1/sandboxes/" + id + "/exec"), "{'command': ['/none']}")),
                422,
                "unusable-program");
        problem(
                mvc.perform(json(post("/v1/sandboxes/" + id + "/exec"), "{'command': []}")),
                400,
                "invalid-request");
    }

    @Test
    void checkpoint_endsTheSandbox_andRestoresSeveralTimes() throws Exception {
        String id = create("echo started; sleep 60");
        String view =
                mvc.perform(
                                json(
                                        post("/v1/sandboxes/" + id + "/checkpoint"),
                                        "{'name': 'mine', 'labels': {'k': 'v'}}"))
                        .andExpect(status().isCreated())
                        .andExpect(jsonPath("$.sandboxId").value(id))
                        .andExpect(jsonPath("$.bytes").value(1000))
                        .andReturn()
                        .getResponse()
                        .getContentAsString();
        String checkpoint = JsonPath.read(view, "$.id");
        awaitState(id, "stopped");
        mvc.perform(get("/v1/checkpoints"))
                .andExpect(jsonPath("$.items[*].id", hasItem(checkpoint)));
        mvc.perform(get("/v1/checkpoints/" + checkpoint))
                .andExpect(jsonPath("$.name").value("mine"))
                .andExpect(jsonPath("$.labels.k").value("v"));
        for (int i = 0; i < 2; i++) {
            mvc.perform(post("/v1/checkpoints/" + checkpoint + "/restore"))
                    .andExpect(status().isCreated())
                    .andExpect(header().string("Location", containsString("/v1/sandboxes/sb-")))
                    .andExpect(jsonPath("$.restoredFrom").value(checkpoint))
                    .andExpect(jsonPath("$.command[0]").value("/bin/sh"));
        }
        mvc.perform(delete("/v1/checkpoints/" + checkpoint)).andExpect(status().isNoContent());
        problem(mvc.perform(get("/v1/checkpoints/" + checkpoint)), 404, "not-found");
        problem(mvc.perform(delete("/v1/checkpoints/" + checkpoint)), 404, "not-found");
        problem(mvc.perform(post("/v1/checkpoints/" + checkpoint + "/restore")), 404, "not-found");
    }

    @Test
    void checkpoint_canLeaveTheSandboxRunning_andAFailedOneDoesNotHarmIt() throws Exception {
        String id = create("sleep 60");
        mvc.perform(json(post("/v1/sandboxes/" + id + "/checkpoint"), "{'leaveRunning': true}"))
                .andExpect(status().isCreated());
        mvc.perform(get("/v1/sandboxes/" + id)).andExpect(jsonPath("$.status").value("running"));
        engine.next = new EngineException(Kind.INTERNAL, "no space left on device", null);
        problem(mvc.perform(post("/v1/sandboxes/" + id + "/checkpoint")), 500, "internal")
                .andExpect(jsonPath("$.detail", containsString("no space")));
        mvc.perform(get("/v1/sandboxes/" + id)).andExpect(jsonPath("$.status").value("running"));
    }

    @Test
    void badImage_is422() throws Exception {
        String id = create("sleep 60");
        String view =
                mvc.perform(post("/v1/sandboxes/" + id + "/checkpoint"))
                        .andReturn()
                        .getResponse()
                        .getContentAsString();
        engine.next = new EngineException(Kind.INVALID, "chunk 3 does not match its hash", null);
        problem(
                mvc.perform(post("/v1/checkpoints/" + JsonPath.read(view, "$.id") + "/restore")),
                422,
                "unusable-image");
    }

    @Test
    void missingProgram_is422() throws Exception {
        problem(
                mvc.perform(json(post("/v1/sandboxes"), "{'command': ['/none/such']}")),
                422,
                "unusable-sandbox");
    }

    @Test
    void tooManySandboxes_is429_andAPlaceComesBack() throws Exception {
        String id = create("sleep 60");
        for (int i = 0; i < 3; i++) {
            create("sleep 60");
        }
        problem(
                mvc.perform(json(post("/v1/sandboxes"), "{'command': ['/bin/true']}")),
                429,
                "too-many-sandboxes");
        mvc.perform(delete("/v1/sandboxes/" + id));
        create("true");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{                                             | malformed JSON",
                "{} trailing                                   | malformed JSON",
                "''                                            | no readable body",
                "[]                                            | wrong value",
                "{\"command\": \"sh\"}                         | $.command",
                "{\"command\": [\"a\"], \"comand\": 1}         | comand",
                "{\"command\": [\"a\"], \"limits\": {\"x\": 1}}| $.limits.x",
                "{\"command\": []}                             | command",
                "{}                                            | command",
                "{\"command\": [null]}                         | command",
                "{\"command\": [\"a\"], \"cwd\": \"rel\"}      | cwd must be an absolute path",
                "{\"command\": [\"a\"], \"root\": \"../x\"}    | root",
                "{\"command\": [\"a\"], \"platform\": \"kvm\"} | platform",
                "{\"command\": [\"a\"], \"name\": \"a b\"}     | name",
                "{\"command\": [\"a\"], \"env\": {\"A=\": \"\"}}| env",
                "{\"command\": [\"a\"], \"env\": {\"A\": null}}| env",
                "{\"command\": [\"a\\u0000b\"]}                | command",
                "{\"command\": [\"a\"], \"limits\": {\"pids\": 0}}          | limits.pids",
                "{\"command\": [\"a\"], \"limits\": {\"memoryBytes\": \"1G\"}}| limits.memoryBytes",
                "{\"command\": [\"a\"], \"limits\": {\"memoryBytes\": 1e99}}  | out of range",
            })
    void badRequests_are400_andSayWhere(String body, String detail) throws Exception {
        problem(
                        mvc.perform(
                                post("/v1/sandboxes")
                                        .contentType(MediaType.APPLICATION_JSON)
                                        .content(body)),
                        400,
                        "invalid-request")
                .andExpect(jsonPath("$.detail", containsString(detail)))
                .andExpect(jsonPath("$.detail", not(containsString("dev.thaw"))));
    }

    @Test
    void otherRefusals_areProblemsToo() throws Exception {
        problem(
                mvc.perform(post("/v1/sandboxes").contentType(MediaType.APPLICATION_JSON)),
                400,
                "invalid-request");
        problem(
                mvc.perform(post("/v1/sandboxes").contentType(MediaType.TEXT_PLAIN).content("{}")),
                415,
                "unsupported-media-type");
        problem(
                mvc.perform(
                        json(post("/v1/sandboxes"), "{'command': ['" + "x".repeat(20_000) + "']}")),
                413,
                "too-large");
        problem(mvc.perform(put("/v1/sandboxes")), 405, "method-not-allowed");
        problem(mvc.perform(get("/v1/none")), 404, "not-found");
        problem(mvc.perform(post("/v1/sandboxes/none/pause")), 404, "not-found");
        problem(mvc.perform(get("/v1/sandboxes").header("Host", "evil.example")), 403, "forbidden");
        problem(
                mvc.perform(get("/v1/sandboxes").header("Origin", "https://evil.example")),
                403,
                "forbidden");
    }

    @Test
    void internalFailure_tellsNothing() throws Exception {
        String id = create("sleep 60");
        engine.next = new EngineException(Kind.INTERNAL, "the sandbox process ended", null);
        problem(mvc.perform(post("/v1/sandboxes/" + id + "/pause")), 500, "internal");
    }

    @Test
    void metricsHealthAndDescription() throws Exception {
        String id = create("sleep 60");
        mvc.perform(json(post("/v1/sandboxes/" + id + "/checkpoint"), "{'leaveRunning': true}"));
        mvc.perform(get("/actuator/health"))
                .andExpect(status().isOk())
                .andExpect(jsonPath("$.status").value("UP"));
        mvc.perform(get("/v3/api-docs"))
                .andExpect(status().isOk())
                .andExpect(jsonPath("$.paths['/v1/sandboxes/{id}/checkpoint'].post").exists())
                .andExpect(
                        jsonPath(
                                        "$.paths['/v1/checkpoints/{id}/restore'].post.responses.default.content['application/problem+json']")
                                .exists());
    }
}
