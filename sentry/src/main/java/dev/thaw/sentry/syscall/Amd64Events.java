package dev.thaw.sentry.syscall;

/** The x86-64 calls on pipes, polling, event descriptors, sockets, in number order. */
final class Amd64Events {
    private static final String UNIX_ONLY = "AF_UNIX only; other families answer EAFNOSUPPORT";
    private static final String COPIES = "copies the bytes";

    static final SyscallTable TABLE =
            new SyscallTable()
                    .full(7, "poll", PollSyscalls::poll)
                    .full(22, "pipe", PipeSyscalls::pipe)
                    .full(23, "select", PollSyscalls::select)
                    .partial(41, "socket", SocketSyscalls::socket, UNIX_ONLY)
                    .full(42, "connect", SocketSyscalls::connect)
                    .full(43, "accept", SocketSyscalls::accept)
                    .partial(44, "sendto", MessageSyscalls::sendto, "no MSG_OOB")
                    .partial(45, "recvfrom", MessageSyscalls::recvfrom, "no MSG_OOB")
                    .partial(
                            46,
                            "sendmsg",
                            MessageSyscalls::sendmsg,
                            "SCM_RIGHTS and SCM_CREDENTIALS only")
                    .partial(
                            47,
                            "recvmsg",
                            MessageSyscalls::recvmsg,
                            "SCM_RIGHTS and SCM_CREDENTIALS only")
                    .full(48, "shutdown", SocketSyscalls::shutdown)
                    .full(49, "bind", SocketSyscalls::bind)
                    .full(50, "listen", SocketSyscalls::listen)
                    .full(51, "getsockname", SocketSyscalls::getsockname)
                    .full(52, "getpeername", SocketSyscalls::getpeername)
                    .partial(53, "socketpair", SocketSyscalls::socketpair, UNIX_ONLY)
                    .partial(
                            54,
                            "setsockopt",
                            SocketSyscalls::setsockopt,
                            "the options of Unix sockets")
                    .partial(
                            55,
                            "getsockopt",
                            SocketSyscalls::getsockopt,
                            "the options of Unix sockets")
                    .full(213, "epoll_create", EpollSyscalls::epollCreate)
                    .full(232, "epoll_wait", EpollSyscalls::epollWait)
                    .partial(
                            233,
                            "epoll_ctl",
                            EpollSyscalls::epollCtl,
                            "EPOLLEXCLUSIVE wakes all, EPOLLWAKEUP does nothing")
                    .full(253, "inotify_init", InotifySyscalls::inotifyInit)
                    .partial(
                            254,
                            "inotify_add_watch",
                            InotifySyscalls::inotifyAddWatch,
                            "not for what the host does to bind-mounted files")
                    .full(255, "inotify_rm_watch", InotifySyscalls::inotifyRmWatch)
                    .full(270, "pselect6", PollSyscalls::pselect6)
                    .full(271, "ppoll", PollSyscalls::ppoll)
                    .partial(275, "splice", PipeSyscalls::splice, COPIES)
                    .partial(276, "tee", PipeSyscalls::tee, COPIES)
                    .partial(278, "vmsplice", PipeSyscalls::vmsplice, COPIES)
                    .full(281, "epoll_pwait", EpollSyscalls::epollPwait)
                    .full(282, "signalfd", EventSyscalls::signalfd)
                    .partial(
                            283,
                            "timerfd_create",
                            EventSyscalls::timerfdCreate,
                            "the clock is never set: TFD_TIMER_CANCEL_ON_SET does nothing")
                    .full(284, "eventfd", EventSyscalls::eventfd)
                    .full(286, "timerfd_settime", EventSyscalls::timerfdSettime)
                    .full(287, "timerfd_gettime", EventSyscalls::timerfdGettime)
                    .full(288, "accept4", SocketSyscalls::accept4)
                    .full(289, "signalfd4", EventSyscalls::signalfd4)
                    .full(290, "eventfd2", EventSyscalls::eventfd2)
                    .full(291, "epoll_create1", EpollSyscalls::epollCreate1)
                    .partial(293, "pipe2", PipeSyscalls::pipe2, "O_DIRECT is ignored: no packets")
                    .full(294, "inotify_init1", InotifySyscalls::inotifyInit1)
                    .partial(
                            299,
                            "recvmmsg",
                            MessageSyscalls::recvmmsg,
                            "SCM_RIGHTS and SCM_CREDENTIALS only")
                    .partial(
                            307,
                            "sendmmsg",
                            MessageSyscalls::sendmmsg,
                            "SCM_RIGHTS and SCM_CREDENTIALS only")
                    .full(441, "epoll_pwait2", EpollSyscalls::epollPwait2);

    static {
        // Who opens what these calls make by name.
        dev.thaw.sentry.fs.pipe.Fifos.register();
        dev.thaw.sentry.fs.dev.Devices.register();
    }

    private Amd64Events() {}
}
