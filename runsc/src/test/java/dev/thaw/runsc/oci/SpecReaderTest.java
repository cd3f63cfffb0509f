package dev.thaw.runsc.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.thaw.runsc.SandboxException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SpecReaderTest {
    @TempDir Path bundle;

    @BeforeEach
    void makeRoot() throws Exception {
        Files.createDirectory(bundle.resolve("rootfs"));
    }

    private static String config(String process, String more) {
        return "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\",\"readonly\":true},\"process\":"
                + process
                + more
                + "}";
    }

    @Test
    void read_takesWhatTheTemplateWrites() throws Exception {
        Files.writeString(bundle.resolve("config.json"), SpecTemplate.json());
        Spec spec = SpecReader.readBundle(bundle);
        assertThat(spec.root()).isEqualTo(new Spec.Root(bundle.resolve("rootfs").toString(), true));
        assertThat(spec.process()).isNotNull();
        assertThat(spec.process().args()).containsExactly("sh");
        assertThat(spec.process().capabilities().effective())
                .isEqualTo(1L << 5 | 1L << 10 | 1L << 29);
        assertThat(spec.process().rlimits().get(7)).containsExactly(1024, 1024);
        assertThat(spec.mounts()).hasSize(5);
    }

    @Test
    void read_keepsTextAsRawBytes() throws Exception {
        Spec spec =
                SpecReader.readText(config("{\"args\":[\"\u00e9\"],\"cwd\":\"/\"}", ""), bundle);
        assertThat(spec.process().args().getFirst()).isEqualTo("\u00c3\u00a9");
    }

    @Test
    void read_resolvesBindSourcesAgainstTheBundle() throws Exception {
        Files.createFile(bundle.resolve("data"));
        String mounts =
                ",\"mounts\":[{\"destination\":\"/d\",\"source\":\"data\",\"options\":[\"rbind\",\"ro\"]}]";
        Spec spec = SpecReader.readText(config("{\"args\":[\"x\"],\"cwd\":\"/\"}", mounts), bundle);
        assertThat(spec.mounts().getFirst().source()).isEqualTo(bundle.resolve("data").toString());
        assertThat(spec.mounts().getFirst().isReadOnly()).isTrue();
    }

    @Test
    void read_saysThatConfigIsMissing() {
        assertThatThrownBy(() -> SpecReader.readBundle(bundle))
                .isInstanceOf(SandboxException.class)
                .hasMessage("JSON specification file config.json not found");
    }

    @Test
    void read_saysWhereJsonIsBroken() {
        assertThatThrownBy(() -> SpecReader.readText("{\"ociVersion\":\n  oops}", bundle))
                .isInstanceOf(SandboxException.class)
                .hasMessageContaining("config.json is no valid JSON")
                .hasMessageContaining("line 2")
                .message()
                .doesNotContain("\n");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"args\":[],\"cwd\":\"/\"} | process.args must not be empty",
                "{\"args\":[\"x\"],\"cwd\":\"here\"} | process.cwd \"here\" is no absolute path",
                "{\"args\":[\"x\"]} | cwd is missing",
                "{\"args\":[1],\"cwd\":\"/\"} | args must hold strings only",
                "{\"args\":[\"a\\u0000b\"],\"cwd\":\"/\"} | process.args holds a NUL character",
                "{\"args\":[\"x\"],\"cwd\":\"/\",\"capabilities\":{\"bounding\":[\"CAP_FLY\"]}} | \"CAP_FLY\" is no capability",
                "{\"args\":[\"x\"],\"cwd\":\"/\",\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":2,\"hard\":1}]} | soft limit above its hard limit",
                "{\"args\":[\"x\"],\"cwd\":\"/\",\"user\":{\"uid\":-1}} | process.user.uid -1 is no id",
                "[] | process must be an object",
            })
    void read_refusesWithOneLine(String process, String message) {
        assertThatThrownBy(() -> SpecReader.readText(config(process, ""), bundle))
                .isInstanceOf(SandboxException.class)
                .hasMessageStartingWith("config.json: ")
                .hasMessageContaining(message);
    }

    @ParameterizedTest
    @CsvSource({
        "9,9",
        "KILL,9",
        "SIGTERM,15",
        "sigusr1,10",
        "0,0",
        "64,64",
        "65,-1",
        "SIGFOO,-1",
        "'',-1",
        "99999999999,-1"
    })
    void signal_acceptsNumbersAndNames(String text, int number) {
        assertThat(OciNames.signal(text)).isEqualTo(number);
    }
}
