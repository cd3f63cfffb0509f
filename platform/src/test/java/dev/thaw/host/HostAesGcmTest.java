package dev.thaw.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class HostAesGcmTest {
    private final Random random = new Random(11);

    @BeforeEach
    void hasInstructions() {
        assumeTrue(HostAesGcm.usable());
    }

    private byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private static byte[] jdk(byte[] key, byte[] nonce, byte[] data, byte[] text)
            throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(
                Cipher.ENCRYPT_MODE,
                new SecretKeySpec(key, "AES"),
                new GCMParameterSpec(128, nonce));
        cipher.updateAAD(data);
        return cipher.doFinal(text);
    }

    @Test
    void seal_isThatOfTheJdk_andOpenUndoesIt() throws Exception {
        for (int length = 0; length < 70_000; length += length < 300 ? 1 : 8191) {
            byte[] key = bytes(32);
            byte[] nonce = bytes(12);
            byte[] data = bytes(length % 150);
            byte[] text = bytes(length);
            byte[] sealed = new byte[3 + length + 16];
            HostAesGcm.seal(key, nonce, data, text, length, sealed, 3);
            assertThat(Arrays.copyOfRange(sealed, 3, sealed.length))
                    .as("%d bytes", length)
                    .isEqualTo(jdk(key, nonce, data, text));
            byte[] opened = new byte[length];
            assertThat(HostAesGcm.open(key, nonce, data, sealed, 3, length + 16, opened)).isTrue();
            assertThat(opened).isEqualTo(text);
        }
    }

    /** Test case 16 of McGrew and Viega, "The Galois/Counter Mode of Operation". */
    @Test
    void seal_isThatOfThePaper() {
        HexFormat hex = HexFormat.of();
        byte[] text =
                hex.parseHex(
                        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
        byte[] sealed = new byte[text.length + 16];
        HostAesGcm.seal(
                hex.parseHex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"),
                hex.parseHex("cafebabefacedbaddecaf888"),
                hex.parseHex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
                text,
                text.length,
                sealed,
                0);
        assertThat(hex.formatHex(sealed))
                .isEqualTo(
                        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                                + "76fc6ece0f4e1768cddf8853bb2d551b");
    }

    @Test
    void open_refusesEveryFlippedBitAndWritesNothing() {
        byte[] key = bytes(32);
        byte[] nonce = bytes(12);
        byte[] data = bytes(5);
        byte[] sealed = new byte[200 + 16];
        HostAesGcm.seal(key, nonce, data, bytes(200), 200, sealed, 0);
        for (int i = 0; i < sealed.length; i++) {
            byte[] forged = sealed.clone();
            forged[i] ^= (byte) (1 << i % 8);
            byte[] out = new byte[200];
            assertThat(HostAesGcm.open(key, nonce, data, forged, 0, forged.length, out)).isFalse();
            assertThat(out).containsOnly(0);
        }
        assertThat(HostAesGcm.open(key, nonce, data, sealed, 0, 15, new byte[200])).isFalse();
        assertThatThrownBy(() -> HostAesGcm.open(key, nonce, data, sealed, 0, 216, new byte[199]))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> HostAesGcm.seal(key, nonce, data, sealed, 200, new byte[216], 1))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }
}
