package dev.thaw.store;

import java.util.List;

/**
 * What a collection did.
 *
 * @param files files removed
 * @param bytes bytes freed by removing and rewriting
 * @param rewritten packs of which the dead part was left out
 * @param problems why something was not done, a line each
 */
public record Collected(int files, long bytes, int rewritten, List<String> problems) {}
