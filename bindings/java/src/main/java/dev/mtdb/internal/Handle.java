// SPDX-License-Identifier: MIT
package dev.mtdb.internal;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;

/**
 * Owns one native handle. It is released when it is closed and no call is in it any more, or when nobody can reach it:
 * then a {@link Cleaner} does it. A call enters, uses {@link #address}, and leaves in a finally block; after the end
 * entering is refused, so no call meets freed memory whatever threads do.
 */
public final class Handle {
    private static final Cleaner CLEANER = Cleaner.create();
    private static final long CLOSED = Long.MIN_VALUE;

    /** What the cleaner needs; never refers to the handle. Its number: calls inside, and CLOSED once it was ended. */
    private static final class State extends AtomicLong implements Runnable {
        private static final long serialVersionUID = 1;
        private final transient LongConsumer release;
        private final long address;

        State(long address, LongConsumer release) {
            this.address = address;
            this.release = release;
        }

        @Override
        public void run() {
            // Closed for the first time with nobody inside; else the last one to leave releases.
            if (getAndUpdate(calls -> calls | CLOSED) == 0) release.accept(address);
        }
    }

    private final State state;
    private final Cleaner.Cleanable cleanable;
    private final String noun;

    /**
     * Takes over a native handle.
     *
     * @param noun for the message of a use after the end, such as "lease"
     */
    public Handle(long address, LongConsumer release, String noun) {
        this.noun = noun;
        state = new State(address, release);
        cleanable = CLEANER.register(this, state);
    }

    /** The native handle, for a call between enter and leave. */
    public long enter() {
        long address = enterIfOpen();
        if (address == 0) throw Errors.closed(noun);
        return address;
    }

    /** As {@link #enter}; once it was ended 0, and there is nothing to leave. */
    long enterIfOpen() {
        for (long calls = state.get(); calls >= 0; calls = state.get()) {
            if (state.compareAndSet(calls, calls + 1)) return state.address;
        }
        return 0;
    }

    /** Ends what {@link #enter} began. */
    public void leave() {
        if (state.decrementAndGet() == CLOSED) state.release.accept(state.address);
        Reference.reachabilityFence(this);
    }

    /** Whether {@link #close} was called. */
    public boolean closed() {
        return state.get() < 0;
    }

    /** Releases the native handle as soon as no call is in it. Idempotent. */
    public void close() {
        cleanable.clean();
    }
}
