package dev.thaw.control.api;

import java.util.List;

/** A list in a response, so that more can be said beside it later. */
public record ItemList<T>(List<T> items) {}
