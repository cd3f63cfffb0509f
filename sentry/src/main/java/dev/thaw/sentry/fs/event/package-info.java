/** Descriptors that stand for events: eventfd, epoll, timerfd, signalfd, inotify. */
@NullMarked
package dev.thaw.sentry.fs.event;

import org.jspecify.annotations.NullMarked;
