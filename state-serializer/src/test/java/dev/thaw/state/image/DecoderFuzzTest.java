package dev.thaw.state.image;

import static org.assertj.core.api.Assertions.assertThatCode;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;

/** The same random inputs in each build; {@code it/bench/fuzz} looks for new ones. */
final class DecoderFuzzTest {
    private static final int INPUTS = 4_000;

    @RepeatedTest(5)
    void mutatedInputsAreRefusedOrRead(RepetitionInfo info) {
        Random random = new Random(info.getCurrentRepetition());
        byte[] seed = DecoderFuzz.seeds().get(info.getCurrentRepetition() - 1);
        for (int i = 0; i < INPUTS; i++) {
            byte[] input = mutate(seed, random);
            assertThatCode(() -> DecoderFuzz.fuzzerTestOneInput(input))
                    .as(() -> HexFormat.of().formatHex(input))
                    .doesNotThrowAnyException();
        }
    }

    private static byte[] mutate(byte[] seed, Random random) {
        byte[] input = seed.clone();
        for (int n = random.nextInt(5); n >= 0; n--) {
            int at = 1 + random.nextInt(input.length - 1);
            switch (random.nextInt(5)) {
                case 0 -> input[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> input[at] = (byte) random.nextInt();
                case 2 ->
                        Arrays.fill(
                                input,
                                at,
                                Math.min(input.length, at + random.nextInt(1, 9)),
                                (byte) (random.nextBoolean() ? 0xff : 0x7f));
                case 3 -> input = Arrays.copyOf(input, Math.max(2, at));
                default -> {
                    int from = random.nextInt(input.length);
                    int length = Math.min(input.length - Math.max(at, from), random.nextInt(20));
                    System.arraycopy(input, from, input, at, Math.max(0, length));
                }
            }
        }
        return input;
    }
}
