package dev.thaw.state.crypt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.thaw.state.ImageException;
import dev.thaw.state.image.ChunkCodec;
import dev.thaw.state.image.ContentHash;
import dev.thaw.state.image.Hasher;
import dev.thaw.state.image.ImageCodec;
import dev.thaw.state.image.ImageFormat;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class SealedImageCodecTest {
    private static final byte[] RAW = new byte[3 * ImageFormat.PAGE];

    static {
        new Random(5).nextBytes(RAW);
        Arrays.fill(RAW, 0, 5000, (byte) 'x');
    }

    private static ImageCodec codec(int key) {
        byte[] bytes = new byte[32];
        Arrays.fill(bytes, (byte) key);
        return Primitives.JDK.sealed(DataKey.of(bytes));
    }

    private static byte[] encode(ImageCodec codec, byte[] raw) {
        try (ChunkCodec chunks = codec.chunks()) {
            byte[] stored = new byte[ImageFormat.MAX_STORED];
            int length = chunks.encode(chunks.address(raw, raw.length), raw, raw.length, stored);
            return Arrays.copyOf(stored, length);
        }
    }

    @Test
    void hmac_isThatOfRfc4231() {
        assertThat(
                        HexFormat.of()
                                .formatHex(
                                        Hmac.of(
                                                Hasher.ofJdk(),
                                                "Jefe".getBytes(StandardCharsets.US_ASCII),
                                                "what do ya want for nothing?"
                                                        .getBytes(StandardCharsets.US_ASCII))))
                .isEqualTo("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    @Test
    void chunks_comeBack_andAreTheSameWithinOneKeyOnly() {
        byte[] stored = encode(codec(1), RAW);
        assertThat(encode(codec(1), RAW)).isEqualTo(stored);
        assertThat(encode(codec(2), RAW)).isNotEqualTo(stored);
        try (ChunkCodec one = codec(1).chunks();
                ChunkCodec two = codec(2).chunks()) {
            ContentHash address = one.address(RAW, RAW.length);
            assertThat(two.address(RAW, RAW.length)).isNotEqualTo(address);
            assertThat(Hasher.ofJdk().hash(RAW, RAW.length)).isNotEqualTo(address);
            byte[] raw = new byte[ImageFormat.CHUNK];
            one.decode(address, stored, stored.length, raw, RAW.length);
            assertThat(Arrays.copyOf(raw, RAW.length)).isEqualTo(RAW);
            assertThatThrownBy(() -> two.decode(address, stored, stored.length, raw, RAW.length))
                    .isInstanceOf(ImageException.class)
                    .hasMessageContaining(address.toString());
        }
        assertThat(new String(stored, StandardCharsets.ISO_8859_1)).doesNotContain("xxxx");
    }

    @Test
    void chunks_flippedCutOrUnderAnotherAddress_areRefused() {
        byte[] stored = encode(codec(1), RAW);
        byte[] raw = new byte[ImageFormat.CHUNK];
        try (ChunkCodec chunks = codec(1).chunks()) {
            ContentHash address = chunks.address(RAW, RAW.length);
            for (int i = 0; i < stored.length; i += i < 100 ? 1 : 37) {
                byte[] forged = stored.clone();
                forged[i] ^= 1;
                assertThatThrownBy(
                                () ->
                                        chunks.decode(
                                                address, forged, forged.length, raw, RAW.length))
                        .isInstanceOf(ImageException.class);
                int length = i;
                assertThatThrownBy(() -> chunks.decode(address, stored, length, raw, RAW.length))
                        .isInstanceOf(ImageException.class);
            }
            ContentHash other = chunks.address(RAW, ImageFormat.PAGE);
            assertThatThrownBy(() -> chunks.decode(other, stored, stored.length, raw, RAW.length))
                    .isInstanceOf(ImageException.class);
            assertThatThrownBy(
                            () ->
                                    chunks.decode(
                                            address,
                                            stored,
                                            stored.length,
                                            raw,
                                            RAW.length - ImageFormat.PAGE))
                    .isInstanceOf(ImageException.class);
        }
    }

    @Test
    void sections_openAtTheirPlaceOnly() {
        byte[] section = "the kernel's secrets".getBytes(StandardCharsets.UTF_8);
        byte[] sealed = codec(1).seal(0, section);
        assertThat(codec(1).open(0, sealed)).isEqualTo(section);
        assertThatThrownBy(() -> codec(1).open(1, sealed)).isInstanceOf(ImageException.class);
        assertThatThrownBy(() -> codec(2).open(0, sealed)).isInstanceOf(ImageException.class);
        assertThatThrownBy(() -> codec(1).open(0, new byte[5])).isInstanceOf(ImageException.class);
    }

    @Test
    void wrappedKey_opensWithItsNamedKeyOnly() {
        byte[] named = new byte[32];
        DataKey key = DataKey.random();
        WrappedKey wrapped = WrappedKey.wrap("prod-1", named, key, Primitives.JDK.aead());
        try (DataKey again = wrapped.unwrap(named, Primitives.JDK.aead())) {
            assertThat(again.copy()).isEqualTo(key.copy());
            assertThat(again.domain()).isEqualTo(wrapped.domain());
        }
        byte[] other = named.clone();
        other[31] = 1;
        assertThatThrownBy(() -> wrapped.unwrap(other, Primitives.JDK.aead()))
                .isInstanceOf(ImageException.class)
                .hasMessageContaining("\"prod-1\"");
        assertThatThrownBy(
                        () ->
                                new WrappedKey("prod-2", wrapped.domain(), wrapped.wrapped())
                                        .unwrap(named, Primitives.JDK.aead()))
                .isInstanceOf(ImageException.class);
        assertThat(wrapped.toString()).isEqualTo("WrappedKey[prod-1, " + key.domain() + "]");
        key.close();
        assertThat(key.copy()).containsOnly(0);
    }
}
