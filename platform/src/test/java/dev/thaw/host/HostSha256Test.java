package dev.thaw.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class HostSha256Test {
    @Test
    void hash_isThatOfTheJdk() throws Exception {
        assumeTrue(HostSha256.usable());
        byte[] bytes = new byte[70_000];
        new Random(7).nextBytes(bytes);
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        for (int length = 0; length <= bytes.length; length += length < 300 ? 1 : 4093) {
            assertThat(HostSha256.hash(bytes, length))
                    .as("%d bytes", length)
                    .isEqualTo(digest.digest(Arrays.copyOf(bytes, length)));
        }
    }
}
