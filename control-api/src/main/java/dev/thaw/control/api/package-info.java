/** The HTTP side: what requests and responses look like, and every error as a problem document (RFC 9457). */
@NullMarked
package dev.thaw.control.api;

import org.jspecify.annotations.NullMarked;
