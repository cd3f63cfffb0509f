package dev.thaw.sentry.fs.event;

import static dev.thaw.abi.Poll.EPOLLET;
import static dev.thaw.abi.Poll.EPOLLHUP;
import static dev.thaw.abi.Poll.EPOLLIN;
import static dev.thaw.abi.Poll.EPOLLONESHOT;
import static dev.thaw.abi.Poll.EPOLLOUT;
import static dev.thaw.abi.Poll.POLLIN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.mm.IoBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class EpollFileTest {
    @SuppressWarnings("NullAway") // no event descriptor asks who reads
    private static final Task NOBODY = null;

    private final EpollFile epoll = new EpollFile();
    private final EventFile event = new EventFile(0, false, 0);

    private List<String> collect(EpollFile from) {
        List<String> found = new ArrayList<>();
        from.collect(10, (events, data) -> found.add(data + ":" + events));
        return found;
    }

    private void signal(EventFile file) throws ErrnoException {
        file.write(NOBODY, IoBuffer.of(new byte[] {1, 0, 0, 0, 0, 0, 0, 0}));
    }

    private void drain(EventFile file) throws ErrnoException {
        file.read(NOBODY, IoBuffer.of(new byte[8]));
    }

    @Test
    void levelTriggered_reportsWhileReady() throws ErrnoException {
        epoll.add(3, event, EPOLLIN, 7);
        assertThat(collect(epoll)).isEmpty();
        signal(event);
        assertThat(collect(epoll)).containsExactly("7:1");
        assertThat(collect(epoll)).containsExactly("7:1");
        drain(event);
        assertThat(collect(epoll)).isEmpty();
    }

    @Test
    void edgeTriggered_reportsEachChangeOnce() throws ErrnoException {
        epoll.add(3, event, EPOLLIN | EPOLLOUT | EPOLLET, 7);
        assertThat(collect(epoll)).containsExactly("7:4");
        assertThat(collect(epoll)).isEmpty();
        signal(event);
        assertThat(collect(epoll)).containsExactly("7:5");
        assertThat(collect(epoll)).isEmpty();
        signal(event);
        assertThat(collect(epoll)).as("a new edge though it was ready").containsExactly("7:5");
    }

    @Test
    void oneShot_isSilentUntilModified() throws ErrnoException {
        signal(event);
        epoll.add(3, event, EPOLLIN | EPOLLONESHOT, 7);
        assertThat(collect(epoll)).containsExactly("7:1");
        signal(event);
        assertThat(collect(epoll)).isEmpty();
        epoll.modify(3, event, EPOLLIN | EPOLLONESHOT, 8);
        assertThat(collect(epoll)).containsExactly("8:1");
    }

    @Test
    void readyFilesTakeTurns() throws ErrnoException {
        List<EventFile> files = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            EventFile file = new EventFile(1, false, 0);
            files.add(file);
            epoll.add(i, file, EPOLLIN, i);
        }
        List<Long> order = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            epoll.collect(1, (_, data) -> order.add(data));
        }
        assertThat(order).containsExactly(0L, 1L, 2L, 0L, 1L, 2L);
    }

    @Test
    void theLastCloseRemovesTheFile_notOneOfSeveral() throws ErrnoException {
        signal(event);
        epoll.add(3, event, EPOLLIN, 7);
        event.acquire();
        event.close();
        assertThat(collect(epoll)).containsExactly("7:1");
        event.close();
        assertThat(collect(epoll)).isEmpty();
    }

    @Test
    void instancesNest_butNotInALoopNorTooDeep() throws ErrnoException {
        EpollFile outer = new EpollFile();
        epoll.add(3, event, EPOLLIN, 7);
        outer.add(4, epoll, EPOLLIN, 8);
        int[] woken = new int[1];
        outer.addWaiter(events -> woken[0] |= events, POLLIN);
        signal(event);
        assertThat(woken[0] & POLLIN).isEqualTo(POLLIN);
        assertThat(outer.poll(-1) & POLLIN).isEqualTo(POLLIN);
        assertThat(collect(outer)).containsExactly("8:1");
        assertThatThrownBy(() -> epoll.add(5, outer, EPOLLIN, 9)).hasMessage("ELOOP");
        assertThatThrownBy(() -> epoll.add(5, epoll, EPOLLIN, 9)).hasMessage("EINVAL");
        EpollFile top = outer;
        for (int i = 0; i < 2; i++) {
            EpollFile next = new EpollFile();
            next.add(1, top, EPOLLIN, 0);
            top = next;
        }
        EpollFile deepest = top;
        EpollFile fifth = new EpollFile();
        fifth.add(1, deepest, EPOLLIN, 0);
        assertThatThrownBy(() -> new EpollFile().add(1, fifth, EPOLLIN, 0)).hasMessage("ELOOP");
    }

    @Test
    void errorsOfTheInterestList() throws ErrnoException {
        epoll.add(3, event, EPOLLHUP, 7);
        assertThatThrownBy(() -> epoll.add(3, event, EPOLLIN, 7)).hasMessage("EEXIST");
        epoll.add(4, event, EPOLLIN, 7);
        epoll.delete(3, event);
        assertThatThrownBy(() -> epoll.modify(3, event, EPOLLIN, 7)).hasMessage("ENOENT");
        assertThatThrownBy(() -> epoll.delete(3, event)).hasMessage("ENOENT");
    }
}
