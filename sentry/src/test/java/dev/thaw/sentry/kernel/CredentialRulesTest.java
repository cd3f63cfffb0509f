package dev.thaw.sentry.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.thaw.sentry.signal.AlternateStack;
import dev.thaw.sentry.signal.PendingSignals;
import dev.thaw.sentry.signal.SignalInfo;
import dev.thaw.sentry.signal.SignalSet;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Rules that need no guest. */
class CredentialRulesTest {
    @Test
    void dropBounding_takesOneCapabilityOnly() {
        Credentials c = CredentialRules.dropBounding(Credentials.root(), 21);
        assertThat(c.bounding()).isEqualTo(Credentials.ALL_CAPABILITIES & ~(1L << 21));
        assertThat(c.effective()).isEqualTo(Credentials.ALL_CAPABILITIES);
    }

    @Test
    void pending_standardOnceRealtimeQueuedSynchronousFirst() {
        PendingSignals pending = new PendingSignals();
        pending.add(SignalInfo.from(10, 0, 1, 0));
        pending.add(SignalInfo.from(10, 0, 2, 0));
        pending.add(SignalInfo.from(40, -1, 3, 0));
        pending.add(SignalInfo.from(40, -1, 4, 0));
        pending.add(SignalInfo.fault(11, 1, 0x1000));
        PendingSignals copy = new PendingSignals();
        copy.restore(pending.save());
        assertThat(List.of(take(copy, 0), take(copy, 0), take(copy, 0), take(copy, 0)))
                .containsExactly("11/4096", "10/1", "40/3", "40/4");
        assertThat(copy.set()).isZero();
        assertThat(pending.take(~SignalSet.bit(12))).isNull();
    }

    private static String take(PendingSignals pending, long blocked) {
        SignalInfo info = Objects.requireNonNull(pending.take(blocked));
        return info.signal() + "/" + info.pid();
    }

    @Test
    void alternateStack_containsItsTopButNotItsBase() {
        AlternateStack stack = new AlternateStack(0x1000, 0, 0x1000);
        assertThat(stack.contains(0x1000)).isFalse();
        assertThat(stack.contains(0x1001)).isTrue();
        assertThat(stack.contains(0x2000)).isTrue();
        assertThat(stack.contains(0x2001)).isFalse();
    }
}
