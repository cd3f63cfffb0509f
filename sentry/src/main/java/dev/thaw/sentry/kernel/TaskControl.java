package dev.thaw.sentry.kernel;

/** What prctl(2) reads and sets of a task and its process. */
public record TaskControl(Task task) {
    public int parentDeathSignal() {
        return task.parentDeathSignal;
    }

    public void setParentDeathSignal(int signal) {
        task.parentDeathSignal = signal;
    }

    public boolean dumpable() {
        return task.threadGroup().dumpable;
    }

    public void setDumpable(boolean value) {
        task.threadGroup().dumpable = value;
    }

    public boolean keepCapabilities() {
        return task.keepCapabilities;
    }

    public void setKeepCapabilities(boolean value) {
        task.keepCapabilities = value;
    }

    public int secureBits() {
        return task.secureBits;
    }

    public void setSecureBits(int bits) {
        task.secureBits = bits;
        task.keepCapabilities = (bits & 0x10) != 0;
    }

    public boolean noNewPrivileges() {
        return task.noNewPrivileges;
    }

    public void setNoNewPrivileges() {
        task.noNewPrivileges = true;
    }

    public boolean subreaper() {
        return task.threadGroup().subreaper;
    }

    public void setSubreaper(boolean value) {
        task.threadGroup().subreaper = value;
    }

    public long clearChildTid() {
        return task.clearChildTid;
    }
}
