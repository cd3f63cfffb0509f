package dev.thaw.runsc.control;

/**
 * The messages between runsc and a sandbox process. Each is one packet of a {@link dev.thaw.host.Wire}: a request is an operation byte and its fields; a reply is a
 * status byte, then the answer's fields, or for {@link #ERROR} a {@code utf8} kind and a {@code utf8} line of text. A connection takes any number of requests in turn.
 *
 * <pre>
 * request      fields                                  answer
 * START        -                                       -
 * SIGNAL       i32 pid (0: init), i32 signal, u8 all   -
 * WAIT         i32 pid (0: init)                       i32 exit code, when it has ended
 * EXEC         process (ProcessCodec), 3 descriptors   i32 pid; later, by itself, a second packet: u8 OK, i32 exit code.
 *                                                      A SIGNAL on this connection gets no answer.
 * PAUSE        -                                       - (all tasks are stopped)
 * RESUME       -                                       -
 * CHECKPOINT   u8 leave running, bytes data key         i64 bytes written, i64 ns paused
 *              (none: in clear), u8 has parent,
 *              descriptors: pack, meta, parent's meta,
 *              known chunks
 * PROCESSES    -                                       i32 n, n * (i32 pid, i32 ppid, i32 uid, i64 start ns, i64 cpu ns, utf8 command)
 * STATS        -                                       i64 memory, i64 memory limit, i64 processes, i64 processes limit, i64 cpu ns
 * STATUS       -                                       u8 0 created, 1 running, 2 paused
 * DESTROY      -                                       - (the process ends at once)
 * PREFETCH     -                                       - (what a restore left for later is read from now on)
 * TRAP         i64 call                                - (for tests: tasks will stop before the call-th system call)
 * AWAIT_TRAP   -                                       u8 1 stopped, 0 the container ended before
 * AWAIT_WISH   -                                       u8 1 a program asked for a checkpoint, 0 the container ended before
 * </pre>
 */
public final class ControlProtocol {
    public static final int START = 1;
    public static final int SIGNAL = 2;
    public static final int WAIT = 3;
    public static final int EXEC = 4;
    public static final int PAUSE = 5;
    public static final int RESUME = 6;
    public static final int CHECKPOINT = 7;
    public static final int PROCESSES = 8;
    public static final int STATS = 9;
    public static final int STATUS = 10;
    public static final int DESTROY = 11;
    public static final int PREFETCH = 12;

    public static final int TRAP = 40;
    public static final int AWAIT_TRAP = 41;
    public static final int AWAIT_WISH = 42;

    public static final int OK = 0;
    public static final int ERROR = 1;

    /** The control socket's name in a container's state directory. */
    public static final String SOCKET_NAME = "control.sock";

    private ControlProtocol() {}
}
