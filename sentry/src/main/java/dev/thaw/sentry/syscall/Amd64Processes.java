package dev.thaw.sentry.syscall;

/** The x86-64 calls on processes, signals, futexes, time, identity and everything else, in number order. */
final class Amd64Processes {
    static final SyscallTable TABLE =
            new SyscallTable()
                    .full(13, "rt_sigaction", SignalSyscalls::rtSigaction)
                    .full(14, "rt_sigprocmask", SignalSyscalls::rtSigprocmask)
                    .full(15, "rt_sigreturn", SignalSyscalls::rtSigreturn)
                    .full(24, "sched_yield", SchedSyscalls::schedYield)
                    .full(34, "pause", SignalSyscalls::pause)
                    .full(35, "nanosleep", TimeSyscalls::nanosleep)
                    .full(36, "getitimer", TimerSyscalls::getitimer)
                    .full(37, "alarm", TimerSyscalls::alarm)
                    .full(38, "setitimer", TimerSyscalls::setitimer)
                    .full(39, "getpid", ProcessSyscalls::getpid)
                    .partial(56, "clone", CloneSyscalls::clone, "no new namespaces, no pidfd")
                    .full(57, "fork", CloneSyscalls::fork)
                    .full(58, "vfork", CloneSyscalls::vfork)
                    .full(59, "execve", ExecSyscalls::execve)
                    .full(60, "exit", ExecSyscalls::exit)
                    .full(61, "wait4", WaitSyscalls::wait4)
                    .full(62, "kill", SignalSyscalls::kill)
                    .full(63, "uname", SystemSyscalls::uname)
                    .full(96, "gettimeofday", TimeSyscalls::gettimeofday)
                    .full(97, "getrlimit", ResourceSyscalls::getrlimit)
                    .partial(
                            98,
                            "getrusage",
                            ResourceSyscalls::getrusage,
                            "CPU times, by ticks of 10 ms; the rest is zero")
                    .full(99, "sysinfo", SystemSyscalls::sysinfo)
                    .partial(100, "times", TimeSyscalls::times, "by ticks of 10 ms")
                    .full(102, "getuid", CredentialSyscalls::getuid)
                    .partial(103, "syslog", SystemSyscalls::syslog, "an empty log")
                    .full(104, "getgid", CredentialSyscalls::getgid)
                    .full(105, "setuid", CredentialSyscalls::setuid)
                    .full(106, "setgid", CredentialSyscalls::setgid)
                    .full(107, "geteuid", CredentialSyscalls::geteuid)
                    .full(108, "getegid", CredentialSyscalls::getegid)
                    .full(109, "setpgid", ProcessSyscalls::setpgid)
                    .full(110, "getppid", ProcessSyscalls::getppid)
                    .full(111, "getpgrp", ProcessSyscalls::getpgrp)
                    .full(112, "setsid", ProcessSyscalls::setsid)
                    .full(113, "setreuid", CredentialSyscalls::setreuid)
                    .full(114, "setregid", CredentialSyscalls::setregid)
                    .full(115, "getgroups", CredentialSyscalls::getgroups)
                    .full(116, "setgroups", CredentialSyscalls::setgroups)
                    .full(117, "setresuid", CredentialSyscalls::setresuid)
                    .full(118, "getresuid", CredentialSyscalls::getresuid)
                    .full(119, "setresgid", CredentialSyscalls::setresgid)
                    .full(120, "getresgid", CredentialSyscalls::getresgid)
                    .full(121, "getpgid", ProcessSyscalls::getpgid)
                    .full(122, "setfsuid", CredentialSyscalls::setfsuid)
                    .full(123, "setfsgid", CredentialSyscalls::setfsgid)
                    .full(124, "getsid", ProcessSyscalls::getsid)
                    .full(125, "capget", CredentialSyscalls::capget)
                    .full(126, "capset", CredentialSyscalls::capset)
                    .full(127, "rt_sigpending", SignalSyscalls::rtSigpending)
                    .full(128, "rt_sigtimedwait", SignalSyscalls::rtSigtimedwait)
                    .full(129, "rt_sigqueueinfo", SignalSyscalls::rtSigqueueinfo)
                    .full(130, "rt_sigsuspend", SignalSyscalls::rtSigsuspend)
                    .full(131, "sigaltstack", SignalSyscalls::sigaltstack)
                    .partial(
                            135,
                            "personality",
                            SystemSyscalls::personality,
                            "Linux only; its flags are not kept")
                    .full(140, "getpriority", ResourceSyscalls::getpriority)
                    .partial(
                            141,
                            "setpriority",
                            ResourceSyscalls::setpriority,
                            "a number that changes nothing")
                    .partial(142, "sched_setparam", SchedSyscalls::setparam, "SCHED_OTHER only")
                    .partial(143, "sched_getparam", SchedSyscalls::getparam, "SCHED_OTHER only")
                    .partial(
                            144,
                            "sched_setscheduler",
                            SchedSyscalls::setscheduler,
                            "SCHED_OTHER only")
                    .partial(
                            145,
                            "sched_getscheduler",
                            SchedSyscalls::getscheduler,
                            "SCHED_OTHER only")
                    .full(146, "sched_get_priority_max", SchedSyscalls::priorityMax)
                    .full(147, "sched_get_priority_min", SchedSyscalls::priorityMin)
                    .full(148, "sched_rr_get_interval", SchedSyscalls::rrGetInterval)
                    .partial(
                            157,
                            "prctl",
                            PrctlSyscalls::prctl,
                            "names, signals, dumpable, capabilities, subreaper; hints are taken and not followed")
                    .partial(158, "arch_prctl", PrctlSyscalls::archPrctl, "the FS and GS bases")
                    .partial(
                            160,
                            "setrlimit",
                            ResourceSyscalls::setrlimit,
                            "CPU and process limits are not enforced")
                    .full(170, "sethostname", SystemSyscalls::sethostname)
                    .full(171, "setdomainname", SystemSyscalls::setdomainname)
                    .full(186, "gettid", ProcessSyscalls::gettid)
                    .full(200, "tkill", SignalSyscalls::tkill)
                    .full(201, "time", TimeSyscalls::time)
                    .partial(202, "futex", FutexSyscalls::futex, "no priority inheritance")
                    .partial(
                            203,
                            "sched_setaffinity",
                            SchedSyscalls::setaffinity,
                            "checked, not followed")
                    .full(204, "sched_getaffinity", SchedSyscalls::getaffinity)
                    .full(218, "set_tid_address", FutexSyscalls::setTidAddress)
                    .full(222, "timer_create", TimerSyscalls::timerCreate)
                    .full(223, "timer_settime", TimerSyscalls::timerSettime)
                    .full(224, "timer_gettime", TimerSyscalls::timerGettime)
                    .full(225, "timer_getoverrun", TimerSyscalls::timerGetoverrun)
                    .full(226, "timer_delete", TimerSyscalls::timerDelete)
                    .partial(
                            227,
                            "clock_settime",
                            TimeSyscalls::clockSettime,
                            "EPERM: the clock is the host's")
                    .partial(
                            228,
                            "clock_gettime",
                            TimeSyscalls::clockGettime,
                            "CPU clocks by ticks of 10 ms")
                    .full(229, "clock_getres", TimeSyscalls::clockGetres)
                    .full(230, "clock_nanosleep", TimeSyscalls::clockNanosleep)
                    .full(231, "exit_group", ExecSyscalls::exitGroup)
                    .full(234, "tgkill", SignalSyscalls::tgkill)
                    .partial(247, "waitid", WaitSyscalls::waitid, "no P_PIDFD")
                    .partial(251, "ioprio_set", SchedSyscalls::ioprioSet, "taken, not followed")
                    .full(252, "ioprio_get", SchedSyscalls::ioprioGet)
                    .partial(
                            272,
                            "unshare",
                            CloneSyscalls::unshare,
                            "files and file-system context; no new namespaces")
                    .full(273, "set_robust_list", FutexSyscalls::setRobustList)
                    .full(274, "get_robust_list", FutexSyscalls::getRobustList)
                    .full(297, "rt_tgsigqueueinfo", SignalSyscalls::rtTgsigqueueinfo)
                    .partial(
                            302,
                            "prlimit64",
                            ResourceSyscalls::prlimit64,
                            "CPU and process limits are not enforced")
                    .partial(309, "getcpu", SchedSyscalls::getcpu, "always CPU 0")
                    .partial(315, "sched_getattr", SchedSyscalls::getattr, "SCHED_OTHER only")
                    .full(318, "getrandom", SystemSyscalls::getrandom)
                    .full(322, "execveat", ExecSyscalls::execveat)
                    .partial(
                            324,
                            "membarrier",
                            SchedSyscalls::membarrier,
                            "the query only: no command is there")
                    .partial(
                            435,
                            "clone3",
                            CloneSyscalls::clone3,
                            "no new namespaces, pidfd, set_tid, cgroup");

    private Amd64Processes() {}
}
