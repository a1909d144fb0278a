// SPDX-License-Identifier: MIT
package dev.mtdb.internal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/** Direct buffers for row blocks, used again and again. One that is not given back is collected as any other object. */
final class Buffers {
    static final int SMALL = 64 << 10;
    static final int LARGE = 1 << 20;
    private static final Stock SMALL_ONES = new Stock(SMALL, 64);
    private static final Stock LARGE_ONES = new Stock(LARGE, 8);

    private Buffers() {}

    private static final class Stock {
        private final ConcurrentLinkedQueue<ByteBuffer> spare = new ConcurrentLinkedQueue<>();
        private final AtomicInteger count = new AtomicInteger();
        private final int size;
        private final int max;

        Stock(int size, int max) {
            this.size = size;
            this.max = max;
        }

        ByteBuffer take() {
            ByteBuffer buffer = spare.poll();
            if (buffer == null) return allocate(size);
            count.decrementAndGet();
            return buffer;
        }

        void give(ByteBuffer buffer) {
            if (count.incrementAndGet() <= max) spare.add(buffer);
            else count.decrementAndGet();
        }
    }

    static ByteBuffer take(long size) {
        if (size <= SMALL) return SMALL_ONES.take();
        if (size <= LARGE) return LARGE_ONES.take();
        return allocate(Math.toIntExact(size));
    }

    static void give(ByteBuffer buffer) {
        if (buffer.capacity() == SMALL) SMALL_ONES.give(buffer);
        else if (buffer.capacity() == LARGE) LARGE_ONES.give(buffer);
    }

    private static ByteBuffer allocate(int size) {
        return ByteBuffer.allocateDirect(size).order(ByteOrder.LITTLE_ENDIAN);
    }
}
