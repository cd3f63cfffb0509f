/*
 * thaw-launch: starts the gofer and the sandbox process of a container, each in namespaces of its own, and stays behind as the process that the host
 * sees as the container: it exits with the container's status, and whatever way either end dies, nothing is left over.
 *
 *   thaw-launch [--lifeline FD] [--exit-fd FD] [--remove DIR] [--cgroup DIR]... [--empty-root DIR] [--host-ns]
 *               --gofer-fds A,B,... --gofer ARG... --end --sandbox-fds A,B,... --sandbox ARG... --end
 *
 *   thaw-launch --attach CONTROL_FD PID|0
 *
 * takes the place of a runsc that has nothing more to do than to wait: it passes its signals on over the control socket (dev.thaw.runsc.control.ControlProtocol) and exits
 * as child PID does, or with 0 as the process that was started by EXEC on that socket does.
 *
 * Each child gets its listed descriptors as 3, 4, 5, ...; 0, 1, 2 are shared; all others are closed.
 * --host-ns is for training runs, which write class caches: no namespaces, and the gofer is waited for.
 * The lifeline is a socket to the runsc that started us. While it is attached, its end means: kill everything and remove DIR. A byte 'D' on it detaches:
 * from then on the container lives by itself and DIR stays until `runsc delete`.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_FDS 64
#define MAX_CGROUPS 16

struct child {
    char **argv;
    int fds[MAX_FDS];
    int count;
    pid_t pid;
    int status;
    int done;
};

static int lifeline = -1, exit_fd = -1, host_namespaces;
static const char *state_dir, *empty_root;
static const char *cgroups[MAX_CGROUPS];
static int cgroup_count;
static struct child gofer, sandbox;

static void fail(const char *what) {
    fprintf(stderr, "thaw-launch: %s: %s\n", what, strerror(errno));
    _exit(125);
}

static void parse_fds(struct child *child, char *list) {
    for (char *item = strtok(list, ","); item != NULL && child->count < MAX_FDS; item = strtok(NULL, ",")) {
        child->fds[child->count++] = atoi(item);
    }
}

static int parse_command(struct child *child, char **argv, int at) {
    child->argv = argv + at + 1;
    while (argv[at] != NULL && strcmp(argv[at], "--end") != 0) {
        at++;
    }
    argv[at] = NULL;
    return at;
}

/* In a child: the listed descriptors become 3, 4, ...; the rest is closed. */
static void arrange_fds(struct child *child) {
    int high[MAX_FDS];
    for (int i = 0; i < child->count; i++) {
        high[i] = fcntl(child->fds[i], F_DUPFD, 200);
        if (high[i] < 0) {
            fail("dup");
        }
    }
    for (int i = 0; i < child->count; i++) {
        if (dup2(high[i], 3 + i) < 0) {
            fail("dup2");
        }
    }
    syscall(SYS_close_range, 3 + child->count, ~0u, 0);
}

/* An empty, read-only directory that the process can make its root when it needs no files any more. */
static void make_empty_root(void) {
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        fail("make mounts private");
    }
    if (empty_root != NULL
        && mount("thaw", empty_root, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k,nr_inodes=4,mode=555") != 0) {
        fail("mount the empty root");
    }
}

/* A JVM's capset reaches one thread only, so what the gofer may never have is taken before there is a JVM. */
static void bound_gofer(void) {
    const unsigned long long keep = 1ull << CAP_CHOWN | 1ull << CAP_DAC_OVERRIDE | 1ull << CAP_DAC_READ_SEARCH | 1ull << CAP_FOWNER | 1ull << CAP_FSETID
        | 1ull << CAP_MKNOD | 1ull << CAP_SYS_CHROOT | 1ull << CAP_SETPCAP;
    for (int capability = 0; capability < 64; capability++) {
        if ((keep >> capability & 1) == 0 && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
            break; /* past the last capability of this kernel */
        }
    }
}

static void start(struct child *child, int is_sandbox) {
    if (is_sandbox && !host_namespaces && unshare(CLONE_NEWPID) != 0) {
        fail("unshare the pid namespace");
    }
    pid_t parent = getpid();
    child->pid = fork();
    if (child->pid < 0) {
        fail("fork");
    }
    if (child->pid > 0) {
        return;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!is_sandbox && getppid() != parent) { /* in a new pid namespace the parent always reads 0 */
        _exit(125);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    arrange_fds(child);
    if (!host_namespaces) {
        int flags = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
        if (unshare(flags) != 0) {
            fail("unshare");
        }
        make_empty_root();
    }
    if (!is_sandbox) {
        bound_gofer();
    }
    execv(child->argv[0], child->argv);
    fail(child->argv[0]);
}

static void write_file(const char *dir, const char *name, const char *text) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0) {
        fail(path);
    }
    close(fd);
}

/* The state directory is flat: files only. */
static void remove_state(void) {
    if (state_dir == NULL) {
        return;
    }
    DIR *dir = opendir(state_dir);
    if (dir == NULL) {
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.' || strcmp(entry->d_name, ".lock") == 0) {
            unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    closedir(dir);
    rmdir(state_dir);
}

static void reap(void) {
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct child *child = pid == sandbox.pid ? &sandbox : pid == gofer.pid ? &gofer : NULL;
        if (child != NULL) {
            child->done = 1;
            child->status = status;
        }
    }
}

static void finish(struct child *child) {
    if (!child->done) {
        kill(child->pid, SIGKILL);
        while (waitpid(child->pid, &child->status, 0) < 0 && errno == EINTR) {
        }
        child->done = 1;
    }
}

static int block_signals(void) {
    for (int signal = 1; signal < NSIG; signal++) { /* what a JVM set before us does not go on */
        if (signal != SIGKILL && signal != SIGSTOP) {
            struct sigaction standard = {.sa_handler = SIG_DFL};
            sigaction(signal, &standard, NULL);
        }
    }
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    int signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0) {
        fail("signalfd");
    }
    return signals;
}

/* SIGNAL of ControlProtocol: u8 2, i32 pid, i32 signal, u8 all. */
static void forward(int control, unsigned signal) {
    unsigned char message[10] = {2, 0, 0, 0, 0, (unsigned char)signal, 0, 0, 0, 0};
    send(control, message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int attach(int control, pid_t child) {
    int signals = block_signals();
    fcntl(control, F_SETFD, FD_CLOEXEC);
    for (;;) {
        int status;
        if (child > 0 && waitpid(child, &status, WNOHANG) == child) {
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
        struct pollfd polled[2] = {{.fd = signals, .events = POLLIN}, {.fd = control, .events = POLLIN}};
        if (poll(polled, 2, -1) < 0 && errno != EINTR) {
            fail("poll");
        }
        struct signalfd_siginfo info;
        while (read(signals, &info, sizeof info) == sizeof info) {
            if (info.ssi_signo != SIGCHLD && info.ssi_signo != SIGPIPE && control >= 0) {
                forward(control, info.ssi_signo);
            }
        }
        if (control < 0 || polled[1].revents == 0) {
            continue;
        }
        unsigned char message[4096];
        ssize_t n = recv(control, message, sizeof message, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
            if (child <= 0) {
                return 128 + SIGKILL; /* the sandbox is gone and did not say how */
            }
            control = -1;
        } else if (child <= 0 && n >= 5 && message[0] == 0) {
            return message[1];
        }
    }
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "--attach") == 0) {
        return attach(atoi(argv[2]), atoi(argv[3]));
    }
    for (int i = 1; argv[i] != NULL; i++) {
        char *option = argv[i];
        if (strcmp(option, "--host-ns") == 0) {
            host_namespaces = 1;
            continue;
        }
        if (strcmp(option, "--gofer") == 0) {
            i = parse_command(&gofer, argv, i);
            continue;
        }
        if (strcmp(option, "--sandbox") == 0) {
            i = parse_command(&sandbox, argv, i);
            continue;
        }
        char *value = argv[++i];
        if (value == NULL) {
            fprintf(stderr, "thaw-launch: %s needs a value\n", option);
            return 125;
        }
        if (strcmp(option, "--lifeline") == 0) {
            lifeline = atoi(value);
        } else if (strcmp(option, "--exit-fd") == 0) {
            exit_fd = atoi(value);
        } else if (strcmp(option, "--remove") == 0) {
            state_dir = value;
        } else if (strcmp(option, "--empty-root") == 0) {
            empty_root = value;
        } else if (strcmp(option, "--cgroup") == 0 && cgroup_count < MAX_CGROUPS) {
            cgroups[cgroup_count++] = value;
        } else if (strcmp(option, "--gofer-fds") == 0) {
            parse_fds(&gofer, value);
        } else if (strcmp(option, "--sandbox-fds") == 0) {
            parse_fds(&sandbox, value);
        } else {
            fprintf(stderr, "thaw-launch: unknown option %s\n", option);
            return 125;
        }
    }
    if (gofer.argv == NULL || sandbox.argv == NULL) {
        fprintf(stderr, "thaw-launch: --gofer and --sandbox are needed\n");
        return 125;
    }
    int signals = block_signals();
    setsid(); /* signals of a terminal reach runsc, which passes them on to the guest */
    for (int i = 0; i < cgroup_count; i++) {
        write_file(cgroups[i], "cgroup.procs", "0");
    }

    start(&gofer, 0);
    start(&sandbox, 1);
    for (int fd = 3; fd < 1024; fd++) { /* what the children got, and what runsc did not close, is not ours to hold open */
        if (fd != lifeline && fd != exit_fd && fd != signals) {
            close(fd);
        }
    }

    int killed = 0;
    while (!sandbox.done) {
        struct pollfd polled[2] = {{.fd = signals, .events = POLLIN}, {.fd = lifeline, .events = POLLIN}};
        if (poll(polled, 2, -1) < 0 && errno != EINTR) {
            fail("poll");
        }
        if (polled[0].revents != 0) {
            struct signalfd_siginfo info;
            while (read(signals, &info, sizeof info) == sizeof info) {
                if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT || info.ssi_signo == SIGQUIT) {
                    killed = (int)info.ssi_signo;
                    kill(sandbox.pid, SIGKILL);
                }
            }
            reap();
            if (gofer.done && !sandbox.done && !host_namespaces) {
                /* A sandbox without files is of no use, and its owner must hear of it. But the gofer also ends because the sandbox does: an ending process closes its sockets
                 * before it can be waited for. So it gets a moment, and its own status counts. */
                struct pollfd ending = {.fd = signals, .events = POLLIN};
                for (int waited = 0; waited < 10 && !sandbox.done; waited++) {
                    poll(&ending, 1, 20);
                    while (read(signals, &info, sizeof info) == sizeof info) {
                    }
                    reap();
                }
                if (!sandbox.done) {
                    kill(sandbox.pid, SIGKILL);
                }
            }
        }
        if (lifeline >= 0 && polled[1].revents != 0) {
            char byte;
            ssize_t n = read(lifeline, &byte, 1);
            if (n == 1 && byte == 'D') {
                state_dir = NULL;
                close(lifeline);
                lifeline = -1;
            } else if (n <= 0 && !(n < 0 && (errno == EINTR || errno == EAGAIN))) {
                close(lifeline);
                lifeline = -1;
                killed = SIGKILL;
                kill(sandbox.pid, SIGKILL);
            }
        }
    }
    if (host_namespaces) { /* training: the gofer ends by itself and writes its cache first */
        while (!gofer.done && waitpid(gofer.pid, &gofer.status, 0) == gofer.pid) {
            gofer.done = 1;
        }
    }
    finish(&gofer);
    int code = WIFEXITED(sandbox.status) ? WEXITSTATUS(sandbox.status) : 128 + WTERMSIG(sandbox.status);
    if (killed != 0) {
        code = 128 + killed;
    }
    if (exit_fd >= 0) {
        dprintf(exit_fd, "%d\n", code);
    }
    remove_state();
    return code;
}
