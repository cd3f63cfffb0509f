package dev.thaw.sentry.loader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.thaw.sentry.ErrnoException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ScriptTest {
    private static Script parse(String head) throws ErrnoException {
        return Script.parse(head.getBytes(StandardCharsets.ISO_8859_1));
    }

    @Test
    void oneArgumentAtMostAndBlanksAroundItGo() throws Exception {
        assertThat(parse("#!/bin/sh\necho")).isEqualTo(new Script("/bin/sh", null));
        assertThat(parse("#! \t/bin/sh  \n")).isEqualTo(new Script("/bin/sh", null));
        assertThat(parse("#!/usr/bin/env -S  python3 -u \t\nx"))
                .isEqualTo(new Script("/usr/bin/env", "-S  python3 -u"));
        assertThat(parse("#!/bin/sh"))
                .as("no newline in a short file")
                .isEqualTo(new Script("/bin/sh", null));
    }

    @Test
    void withoutAWholeInterpreterNameThereIsNoScript() {
        assertThatThrownBy(() -> parse("#!\n")).hasMessage("ENOEXEC");
        assertThatThrownBy(() -> parse("#!   \n/bin/sh")).hasMessage("ENOEXEC");
        assertThatThrownBy(() -> parse("#!/" + "x".repeat(Script.HEAD - 3)))
                .as("cut off")
                .hasMessage("ENOEXEC");
    }

    @Test
    void aCutOffArgumentIsStillAnArgument() throws Exception {
        Script script = parse("#!/bin/sh " + "x".repeat(Script.HEAD - 10));
        assertThat(script.argument()).hasSize(Script.HEAD - 10);
    }
}
