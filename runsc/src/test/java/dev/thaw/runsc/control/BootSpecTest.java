package dev.thaw.runsc.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.thaw.host.WireException;
import dev.thaw.host.WireReader;
import dev.thaw.host.WireWriter;
import dev.thaw.runsc.control.BootSpec.BootMount;
import dev.thaw.runsc.oci.ProcessConfig;
import dev.thaw.runsc.oci.ProcessConfig.Capabilities;
import dev.thaw.runsc.oci.ProcessConfig.User;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BootSpecTest {
    private static final ProcessConfig PROCESS =
            new ProcessConfig(
                    true,
                    List.of("a", "\u00ff"),
                    List.of("A=1"),
                    "/w",
                    new User(-2, 3, new int[] {4, 5}, 0x12),
                    new Capabilities(1, 2, 3, 4, -1L),
                    Map.of(7, new long[] {1, -1}),
                    true);
    private static final BootSpec SPEC =
            new BootSpec(
                    "id",
                    "systrap",
                    "host",
                    true,
                    false,
                    true,
                    3,
                    new byte[] {1, -1},
                    true,
                    false,
                    true,
                    1L << 40,
                    -1,
                    List.of(new BootMount("/p", "proc", -1, List.of("ro", "mode=755"))),
                    PROCESS);

    @Test
    void read_bringsBackWhatWasWritten() throws Exception {
        MemorySegment memory = MemorySegment.ofArray(new byte[4096]);
        WireWriter out = new WireWriter(memory);
        SPEC.write(out);
        WireReader in = new WireReader(memory);
        in.reset(out.size());
        assertThat(BootSpec.read(in)).usingRecursiveComparison().isEqualTo(SPEC);
    }

    @Test
    void read_refusesEveryShorterMessage() throws Exception {
        MemorySegment memory = MemorySegment.ofArray(new byte[4096]);
        WireWriter out = new WireWriter(memory);
        SPEC.write(out);
        for (long length = 0; length < out.size(); length++) {
            WireReader in = new WireReader(memory);
            in.reset(length);
            assertThatThrownBy(() -> BootSpec.read(in)).isInstanceOf(WireException.class);
        }
    }
}
