package dev.thaw.control.engine;

import java.util.List;
import java.util.Map;

/** One more program in a sandbox. */
public record ExecConfig(List<String> command, Map<String, String> env, String cwd) {}
