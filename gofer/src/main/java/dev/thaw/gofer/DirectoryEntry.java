package dev.thaw.gofer;

import dev.thaw.host.HostStat;

/** One name of a directory with its file's attributes, as they were when the directory was read. "." and ".." do not appear. */
public record DirectoryEntry(String name, HostStat attributes) {}
