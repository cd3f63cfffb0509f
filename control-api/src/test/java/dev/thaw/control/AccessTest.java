package dev.thaw.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.get;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.content;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.header;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.jsonPath;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.status;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.web.server.autoconfigure.ServerProperties;
import org.springframework.boot.webmvc.test.autoconfigure.AutoConfigureMockMvc;
import org.springframework.boot.webmvc.test.autoconfigure.MockMvcPrint;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.http.MediaType;
import org.springframework.test.context.ActiveProfiles;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.springframework.test.web.servlet.MockMvc;

/** Who gets in, and where the server may listen. */
class AccessTest {
    private static final String TOKEN = "0123456789abcdef-token";

    @Nested
    @SpringBootTest
    @AutoConfigureMockMvc(print = MockMvcPrint.NONE)
    @ActiveProfiles("fake")
    @Import(FakeEngine.Config.class)
    class WithToken {
        @TempDir static Path directory;

        @Autowired private MockMvc mvc;

        @DynamicPropertySource
        static void properties(DynamicPropertyRegistry registry) throws Exception {
            Path file = Files.writeString(directory.resolve("token"), TOKEN + "\n");
            registry.add("thaw.control.state-directory", () -> directory.resolve("state"));
            registry.add("thaw.control.checkpoint-directory", () -> directory.resolve("images"));
            registry.add("thaw.control.token-file", () -> file);
        }

        @Test
        void noOrWrongToken_is401() throws Exception {
            for (String header :
                    new String[] {
                        "",
                        "Bearer",
                        "Bearer wrong",
                        "Basic " + TOKEN,
                        TOKEN,
                        "Bearer " + TOKEN + "x"
                    }) {
                mvc.perform(get("/v1/sandboxes").header("Authorization", header))
                        .andExpect(status().isUnauthorized())
                        .andExpect(header().string("WWW-Authenticate", "Bearer realm=\"thaw\""))
                        .andExpect(content().contentType(MediaType.APPLICATION_PROBLEM_JSON))
                        .andExpect(jsonPath("$.type").value("urn:thaw:problem:unauthorized"));
            }
            mvc.perform(get("/actuator/prometheus")).andExpect(status().isUnauthorized());
            mvc.perform(get("/v3/api-docs")).andExpect(status().isUnauthorized());
            mvc.perform(get("/none")).andExpect(status().isUnauthorized());
        }

        @Test
        void theToken_letsIn_underAnyName() throws Exception {
            mvc.perform(
                            get("/v1/sandboxes")
                                    .header("Authorization", "Bearer " + TOKEN)
                                    .header("Host", "node7.example"))
                    .andExpect(status().isOk());
            mvc.perform(get("/actuator/health")).andExpect(status().isOk());
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableConfigurationProperties({ControlProperties.class, ServerProperties.class})
    @Import({AccessToken.class, ListenGuard.class})
    static class Guarded {}

    private final ApplicationContextRunner runner =
            new ApplicationContextRunner().withUserConfiguration(Guarded.class);

    @Test
    void loopback_needsNoToken() {
        runner.withPropertyValues("server.address=127.0.0.1")
                .run(context -> assertThat(context).hasNotFailed());
        runner.withPropertyValues("server.address=::1")
                .run(context -> assertThat(context).hasNotFailed());
    }

    @Test
    void elsewhere_needsAToken() {
        for (String address :
                new String[] {
                    "server.address=0.0.0.0", "server.address=192.0.2.1", "server.port=1"
                }) {
            runner.withPropertyValues(address)
                    .run(
                            context ->
                                    assertThat(context)
                                            .getFailure()
                                            .rootCause()
                                            .isInstanceOf(StartupException.class)
                                            .hasMessageContaining("no token"));
        }
        runner.withPropertyValues(
                        "server.address=127.0.0.1",
                        "management.server.port=9",
                        "management.server.address=0.0.0.0")
                .run(context -> assertThat(context).hasFailed());
        runner.withPropertyValues("server.address=0.0.0.0", "thaw.control.token=" + TOKEN)
                .run(context -> assertThat(context).hasNotFailed());
    }

    @Test
    void aWeakOrMissingToken_isRefused() {
        runner.withPropertyValues("server.address=127.0.0.1", "thaw.control.token=short")
                .run(
                        context ->
                                assertThat(context)
                                        .getFailure()
                                        .rootCause()
                                        .hasMessageContaining("shorter than 16"));
        runner.withPropertyValues("server.address=127.0.0.1", "thaw.control.token-file=/none")
                .run(
                        context ->
                                assertThat(context)
                                        .getFailure()
                                        .rootCause()
                                        .hasMessageContaining("/none"));
    }
}
