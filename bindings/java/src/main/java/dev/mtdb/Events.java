// SPDX-License-Identifier: MIT
package dev.mtdb;

import dev.mtdb.internal.Database;
import dev.mtdb.internal.EventQueue;
import dev.mtdb.internal.Timeouts;
import java.sql.SQLException;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/**
 * The events of a db: a loop over them waits for each next one, and ends when the db is closed, this is closed, or the
 * thread is interrupted. No thread of the library calls the program: what is not read is kept up to option
 * {@code events.queue}. Serves one thread at a time; only {@link #close} may come from another.
 */
public final class Events implements Iterable<Event>, AutoCloseable {
    private final EventQueue queue;
    private final ArrayDeque<Event> taken = new ArrayDeque<>();

    Events(Database db) {
        queue = new EventQueue(db);
    }

    /**
     * Takes the oldest events.
     *
     * @param timeout how long to wait for the first of them; zero: not at all
     * @return the events, none when the time is over
     * @throws SQLException CLOSED when the db is closed and all its events are read, or after {@link #close};
     *     CANCELLED by that while it waits, and by an interrupt
     */
    public List<Event> poll(Duration timeout) throws SQLException {
        List<Event> events = new ArrayList<>(taken);
        taken.clear();
        if (events.isEmpty()) queue.poll(Timeouts.of(timeout), events::add);
        return events;
    }

    /**
     * Events that were lost because the queue was full.
     *
     * @return how many, since this was made
     */
    public long dropped() {
        return queue.dropped();
    }

    @Override
    public Iterator<Event> iterator() {
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return !taken.isEmpty() || waited();
            }

            @Override
            public Event next() {
                if (!hasNext()) throw new NoSuchElementException("the db is closed, and there is no further event");
                return taken.poll();
            }
        };
    }

    private boolean waited() {
        try {
            taken.addAll(poll(ChronoUnit.FOREVER.getDuration()));
            return !taken.isEmpty();
        } catch (SQLException failure) {
            Status status = MtdbError.of(failure).map(Failure::status).orElse(Status.UNKNOWN);
            if (status == Status.CLOSED || status == Status.CANCELLED) return false;
            throw new IllegalStateException(failure);
        }
    }

    /** Ends a wait, and all further ones. Any thread. */
    @Override
    public void close() {
        queue.close();
    }
}
