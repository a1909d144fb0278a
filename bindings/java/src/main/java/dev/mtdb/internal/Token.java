// SPDX-License-Identifier: MIT
package dev.mtdb.internal;

import dev.mtdb.Status;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.spi.AbstractSelectableChannel;
import java.nio.channels.spi.AbstractSelector;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Ends the one operation that runs with it: when another thread cancels, and when the running thread is interrupted. A
 * cancel that finds no operation, or another owner's, does nothing, so it never hits a later one.
 */
public final class Token {
    private static final int SPARE_MAX = 256;
    private static final ConcurrentLinkedQueue<Token> SPARE = new ConcurrentLinkedQueue<>();
    private static final AtomicInteger SPARES = new AtomicInteger();

    /** Begin and end are how java.nio's own blocking calls learn of Thread.interrupt(), without a watching thread. */
    private final class Interrupts extends AbstractSelector {
        Interrupts() {
            super(null);
        }

        void beginWait() {
            begin();
        }

        void endWait() {
            end();
        }

        @Override
        public Selector wakeup() {
            cancel(null);
            return this;
        }

        @Override
        protected void implCloseSelector() {}

        @Override
        protected SelectionKey register(AbstractSelectableChannel channel, int operations, Object attachment) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Set<SelectionKey> keys() {
            return Set.of();
        }

        @Override
        public Set<SelectionKey> selectedKeys() {
            return Set.of();
        }

        @Override
        public int selectNow() {
            return 0;
        }

        @Override
        public int select(long timeout) {
            return 0;
        }

        @Override
        public int select() {
            return 0;
        }
    }

    private final Interrupts interrupts = new Interrupts();
    private final Handle handle;
    private final long address;
    private Object owner;  // of the operation that runs, else null; guarded by this, as is what follows
    private boolean fired;
    private Thread lastUser;

    private Token() {
        long[] out = new long[1];
        long[] error = new long[1];
        Errors.check(Raw.mtdb_cancel_new(out, error), error);
        address = out[0];
        handle = new Handle(address, Raw::mtdb_cancel_release, "cancel token");
    }

    /** A token that nothing else uses; {@link #give} it back when no operation can run with it any more. */
    public static Token take() {
        Token token = SPARE.poll();
        if (token == null) return new Token();
        SPARES.decrementAndGet();
        return token;
    }

    /**
     * Gives a token back. One whose last operation was another thread's may still be of use to that: it is nobody's any
     * more.
     */
    public void give() {
        if (!mine()) {
            handle.close();
        } else if (SPARES.incrementAndGet() <= SPARE_MAX) {
            SPARE.add(this);
        } else {
            SPARES.decrementAndGet();
            handle.close();
        }
    }

    private synchronized boolean mine() {
        boolean mine = owner == null && (lastUser == null || lastUser == Thread.currentThread());
        lastUser = null;
        return mine;
    }

    /** An operation begins; the native token is returned. Ends with {@link #end}, whatever happens. */
    public long begin(Object who) {
        handle.enter();
        synchronized (this) {
            if (owner != null) {
                handle.leave();
                throw Errors.sneaky(Errors.failure(Status.MISUSE, "another thread is in a call of this connection"));
            }
            owner = who != null ? who : this;
            lastUser = Thread.currentThread();
        }
        interrupts.beginWait();
        return address;
    }

    /** The operation has ended: from here on a cancel does not touch what it left behind. */
    public void end() {
        interrupts.endWait();
        synchronized (this) {
            owner = null;
            if (fired) {
                fired = false;
                Raw.mtdb_cancel_reset(address, null, null);
            }
        }
        handle.leave();
    }

    /**
     * Ends the operation that runs now. Never blocks.
     *
     * @param whose only an operation of this owner; null: of any
     */
    public synchronized void cancel(Object whose) {
        if (owner == null || fired || (whose != null && whose != owner)) return;
        fired = true;
        Raw.mtdb_cancel_trigger(address, 0, null);
    }
}
