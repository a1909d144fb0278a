// SPDX-License-Identifier: MIT
package dev.mtdb.internal;

import dev.mtdb.Event;
import dev.mtdb.Status;
import java.nio.ByteBuffer;
import java.util.function.Consumer;

/** Polls a db's queue of events. */
public final class EventQueue {
    private final Database db;
    private final Handle handle;
    private final Token token = Token.take();
    private ByteBuffer buffer = Buffers.take(Buffers.SMALL);
    private long dropped;
    private volatile boolean closed;

    /** The queue of a db. */
    public EventQueue(Database db) {
        this.db = db;
        // Keeps the db's memory, so that the events of its end can still be read.
        Handle parent = db.handle();
        handle = new Handle(parent.enter(), address -> parent.leave(), "events");
    }

    /** How many events were lost. */
    public long dropped() {
        return dropped;
    }

    /** Takes the oldest events, if there are any within the time. */
    public void poll(long timeoutMs, Consumer<Event> each) {
        long[] rows = new long[1];
        long[] used = new long[1];
        long[] lost = new long[1];
        int status = Raw.MTDB_TRUNCATED;
        while (status == Raw.MTDB_TRUNCATED) {
            if (closed) throw Errors.sneaky(Errors.failure(Status.CLOSED, "the events are closed"));
            status = db.waiting(handle, timeoutMs, token, this, (address, timeout, cancel, error) ->
                Raw.mtdb_events_poll(address, closed ? 0 : timeout, cancel, buffer, rows, used, lost, error));
            if (status == Raw.MTDB_TRUNCATED) buffer = Buffers.take(used[0]);
        }
        dropped += lost[0];
        if (status != Raw.MTDB_OK) return;
        Block block = new Block(buffer);
        block.read();
        for (int row = 0; row < block.rows(); row++) each.accept(event(block, row));
    }

    private static Event event(Block block, int row) {
        return new Event(block.slot(row, 0), Moments.moment(block.slot(row, 1)).toInstant(), block.text(row, 2),
            block.text(row, 3), block.text(row, 4), block.type(row, 5) == 0 ? null : block.text(row, 5),
            block.text(row, 6), block.type(row, 7) == 0 ? "{}" : block.text(row, 7));
    }

    /** Ends a wait, and all further ones. */
    public void close() {
        closed = true;
        token.cancel(null);
        handle.close();
    }
}
