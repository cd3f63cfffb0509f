package dev.thaw.abi;

/** poll, epoll and eventfd constants ({@code asm-generic/poll.h}, {@code linux/eventpoll.h}). */
public final class Poll {
    // spotless:off
    public static final int EFD_SEMAPHORE           = 0x1;
    public static final int EPOLLIN                 = 0x1;
    public static final int EPOLL_CTL_ADD           = 0x1;
    public static final int POLLIN                  = 0x1;
    public static final int TFD_TIMER_ABSTIME       = 0x1;
    public static final int EPOLLPRI                = 0x2;
    public static final int EPOLL_CTL_DEL           = 0x2;
    public static final int POLLPRI                 = 0x2;
    public static final int TFD_TIMER_CANCEL_ON_SET = 0x2;
    public static final int EPOLL_CTL_MOD           = 0x3;
    public static final int EPOLLOUT                = 0x4;
    public static final int POLLOUT                 = 0x4;
    public static final int EPOLLERR                = 0x8;
    public static final int POLLERR                 = 0x8;
    public static final int EPOLLHUP                = 0x10;
    public static final int POLLHUP                 = 0x10;
    public static final int POLLNVAL                = 0x20;
    public static final int EPOLLRDNORM             = 0x40;
    public static final int POLLRDNORM              = 0x40;
    public static final int EPOLLRDBAND             = 0x80;
    public static final int POLLRDBAND              = 0x80;
    public static final int EPOLLWRNORM             = 0x100;
    public static final int POLLWRNORM              = 0x100;
    public static final int EPOLLWRBAND             = 0x200;
    public static final int POLLWRBAND              = 0x200;
    public static final int EPOLLMSG                = 0x400;
    public static final int POLLMSG                 = 0x400;
    public static final int EFD_NONBLOCK            = 0x800;
    public static final int SFD_NONBLOCK            = 0x800;
    public static final int TFD_NONBLOCK            = 0x800;
    public static final int POLLREMOVE              = 0x1000;
    public static final int EPOLLRDHUP              = 0x2000;
    public static final int POLLRDHUP               = 0x2000;
    public static final int EFD_CLOEXEC             = 0x80000;
    public static final int EPOLL_CLOEXEC           = 0x80000;
    public static final int SFD_CLOEXEC             = 0x80000;
    public static final int TFD_CLOEXEC             = 0x80000;
    public static final int EPOLLEXCLUSIVE          = 0x10000000;
    public static final int EPOLLWAKEUP             = 0x20000000;
    public static final int EPOLLONESHOT            = 0x40000000;
    public static final int EPOLLET                 = 0x80000000;
    // spotless:on

    private Poll() {}
}
