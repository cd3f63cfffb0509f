package dev.thaw.sentry.loader;

import static dev.thaw.abi.Auxv.AT_EXECFN;
import static dev.thaw.abi.Auxv.AT_NULL;
import static dev.thaw.abi.Auxv.AT_PLATFORM;
import static dev.thaw.abi.Auxv.AT_RANDOM;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StackImageTest {
    private static final long TOP = 0x7fe0_0000_0000L;

    private static String string(StackImage stack, long address) {
        int at = (int) (address - stack.stackPointer);
        int end = at;
        while (stack.bytes[end] != 0) {
            end++;
        }
        return new String(stack.bytes, at, end - at, StandardCharsets.ISO_8859_1);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5, 17})
    void aProgramFindsItsArgumentsAsTheAbiSays(int count) throws Exception {
        List<String> argv = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            argv.add("argument".repeat(i) + "\u00e4");
        }
        List<String> env = List.of("A=1", "", "PATH=/bin");
        byte[] random = "0123456789abcdef".getBytes(StandardCharsets.ISO_8859_1);
        StackImage stack =
                new StackImage(
                        TOP,
                        "/bin/prog",
                        argv,
                        env,
                        random,
                        new long[] {AT_RANDOM, 0, AT_EXECFN, 0, AT_PLATFORM, 0, AT_NULL, 0});
        ByteBuffer words = ByteBuffer.wrap(stack.bytes).order(ByteOrder.LITTLE_ENDIAN);

        assertThat(stack.stackPointer % 16).isZero();
        assertThat(stack.stackPointer + stack.bytes.length).isEqualTo(TOP);
        assertThat(words.getLong()).isEqualTo(count);
        for (String arg : argv) {
            assertThat(string(stack, words.getLong())).isEqualTo(arg);
        }
        assertThat(words.getLong()).isZero();
        for (String variable : env) {
            assertThat(string(stack, words.getLong())).isEqualTo(variable);
        }
        assertThat(words.getLong()).isZero();
        assertThat(words.getLong()).isEqualTo(AT_RANDOM);
        assertThat(string(stack, words.getLong())).startsWith("0123456789abcdef");
        assertThat(words.getLong()).isEqualTo(AT_EXECFN);
        assertThat(string(stack, words.getLong())).isEqualTo("/bin/prog");
        assertThat(words.getLong()).isEqualTo(AT_PLATFORM);
        assertThat(string(stack, words.getLong())).isEqualTo("x86_64");
        assertThat(words.getLong()).isEqualTo(AT_NULL);
        if (count > 0) {
            assertThat(string(stack, stack.argStart)).isEqualTo(argv.get(0));
        }
        assertThat(string(stack, stack.envStart)).isEqualTo("A=1");
        assertThat(stack.argEnd).isEqualTo(stack.envStart);
    }

    @Test
    void tooMuchIsRefused() {
        List<String> none = List.of();
        assertThatThrownBy(() -> StackImage.checkLimit(List.of("x".repeat(131072)), none, -1))
                .hasMessage("E2BIG");
        assertThatThrownBy(
                        () ->
                                StackImage.checkLimit(
                                        Collections.nCopies(100, "x".repeat(100_000)), none, -1))
                .hasMessage("E2BIG");
        assertThatThrownBy(
                        () ->
                                StackImage.checkLimit(
                                        Collections.nCopies(30, "x".repeat(100_000)),
                                        none,
                                        8 << 20))
                .hasMessage("E2BIG");
        assertThatThrownBy(
                        () -> StackImage.checkLimit(Collections.nCopies(1_000_000, ""), none, -1))
                .as("pointers count too")
                .hasMessage("E2BIG");
    }
}
