package dev.thaw.sentry.time;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TimerServiceTest {
    /** A clock that stands still, far before any deadline, so that the service's own thread finds nothing to do. */
    private static final class FixedClock extends KernelClock {
        @Override
        public long monotonic() {
            return Long.MIN_VALUE / 2;
        }
    }

    @Test
    void expire_runsInOrderAndKeepsPeriodicTimersInPhase() {
        try (TimerService service = new TimerService(new FixedClock())) {
            List<String> log = new ArrayList<>();
            Timer a = service.newTimer(() -> log.add("a"));
            Timer b = service.newTimer(() -> log.add("b"));
            Timer c = service.newTimer(() -> log.add("c"));
            a.set(300, 0);
            b.set(100, 100);
            c.set(200, 0);
            c.cancel();
            assertThat(service.expire(99)).isEqualTo(100);
            assertThat(service.expire(150)).isEqualTo(200);
            assertThat(service.expire(450)).isEqualTo(500);
            assertThat(log).containsExactly("b", "b", "a");
            assertThat(a.deadline()).isEqualTo(Long.MAX_VALUE);
            assertThat(b.deadline()).isEqualTo(500);
        }
    }

    @Test
    void heap_agreesWithASortedListUnderChanges() {
        try (TimerService service = new TimerService(new FixedClock())) {
            Random random = new Random(7);
            List<Timer> timers = new ArrayList<>();
            List<Long> fired = new ArrayList<>();
            long[] deadlines = new long[200];
            for (int i = 0; i < deadlines.length; i++) {
                int index = i;
                timers.add(service.newTimer(() -> fired.add(deadlines[index])));
            }
            for (int i = 0; i < 2000; i++) {
                int index = random.nextInt(deadlines.length);
                if (random.nextInt(4) == 0) {
                    deadlines[index] = 0;
                    timers.get(index).cancel();
                } else {
                    deadlines[index] = 1 + random.nextInt(10_000);
                    timers.get(index).set(deadlines[index], 0);
                }
            }
            service.expire(20_000);
            List<Long> expected = new ArrayList<>();
            for (long deadline : deadlines) {
                if (deadline > 0) {
                    expected.add(deadline);
                }
            }
            expected.sort(null);
            assertThat(fired).isEqualTo(expected);
        }
    }
}
