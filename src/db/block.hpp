// SPDX-License-Identifier: MIT
// Row blocks, as mtdb.h describes their bytes: a writer into the caller's memory, a checked view, a
// growing builder.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "db/value.hpp"

namespace mtdb::db {

// Stages rows in place (a tag and a slot per cell, one shared heap of bytes) and finish() turns the
// stage into the final block within the same memory. No allocation per row; needs no alignment of
// the buffer.
class BlockWriter {
public:
    // `rows_max` 0: as many as fit. `row_bytes` is the heap a row is expected to need: it balances
    // cells against heap.
    BlockWriter(void* buffer, int64_t capacity, int32_t columns, int64_t rows_max,
                int64_t row_bytes = 0);

    // True while another row can be begun. It always is at first: whether a row fits is known when
    // it ends.
    bool has_room() const noexcept { return rows_ < rows_max_; }
    int32_t columns() const noexcept { return static_cast<int32_t>(stages_.size()); }
    int64_t rows() const noexcept { return rows_; }

    // Cells of the present row, each column once. False: the heap is full; put the other columns
    // all the same, so that needed() is right, and end_row() will take the row back.
    void put_null(int32_t column) noexcept {
        heap_spare_ += 8;
        put(column, Type::null, 0);
    }
    void put_slot(int32_t column, Type type, int64_t slot) noexcept { put(column, type, slot); }
    bool put_bytes(int32_t column, Type type, const char* data, int64_t size) noexcept {
        const int64_t offset = heap_end_ - heap_begin_;
        if (size > capacity_ - heap_end_ - heap_spare_ && !make_room(size)) {
            row_need_ += size;
            return false;
        }
        if (size > 0) std::memcpy(base_ + heap_end_, data, static_cast<std::size_t>(size));
        heap_end_ += size;
        put(column, type,
            static_cast<int64_t>(static_cast<uint64_t>(offset) << 32 |
                                 static_cast<uint64_t>(size)));
        return true;
    }
    bool put_value(int32_t column, const Value& value) noexcept;

    void begin_row() noexcept {
        row_heap_ = heap_end_;
        row_spare_ = heap_spare_;
        row_need_ = 0;
    }
    // False: the row does not fit and has been taken back; the block ends before it.
    [[nodiscard]] bool end_row() noexcept {
        const bool fits = heap_spare_ <= capacity_ - heap_end_ || make_room(0);
        if (row_need_ != 0 || too_small_ || !fits) {
            take_back_row();
            return false;
        }
        ++rows_;
        return true;
    }
    void take_back_row() noexcept {
        needed_ =
            bytes_for_row(static_cast<int32_t>(stages_.size()), heap_end_ - row_heap_ + row_need_);
        heap_end_ = row_heap_;
        heap_spare_ = row_spare_;
    }
    // Bytes that a buffer needs for the row that was taken back.
    int64_t needed() const noexcept { return needed_; }

    // Completes the block and returns its bytes. With no rows it is a header and its columns.
    int64_t finish();
    // Bytes that a buffer needs for one row whose heap values take `row_heap` bytes.
    static int64_t bytes_for_row(int32_t columns, int64_t row_heap) noexcept;
    int64_t heap_used() const noexcept { return heap_end_ - heap_begin_; }

private:
    struct Stage {
        char* tags;
        char* slots;
        uint32_t mask;  // bit t: a value of type t is in this column
    };

    void put(int32_t column, Type type, int64_t slot) noexcept {
        Stage& stage = stages_[static_cast<std::size_t>(column)];
        stage.mask |= 1U << static_cast<uint32_t>(type);
        stage.tags[rows_] = static_cast<char>(type);
        std::memcpy(stage.slots + rows_ * 8, &slot, 8);
    }
    // While there is no row yet: gives up the cells that were planned for further rows. True when
    // `size` bytes of heap fit then.
    bool make_room(int64_t size) noexcept;
    struct Plan {  // where a column's arrays go
        Type type;
        int64_t validity, data, heap;
    };
    Plan plan_column(const Stage& stage, int64_t& out) const;
    void place_cells(Stage& stage, const Plan& plan);
    void place_heaps(std::vector<Plan>& plans, int64_t out);
    void gather(const Stage& stage, Type type);

    char* base_;
    int64_t capacity_;
    int64_t rows_max_ = 0;
    int64_t rows_ = 0;
    int64_t heap_begin_ = 0;
    int64_t heap_end_ = 0;
    int64_t heap_spare_ = 0;  // kept free for what finish() may add
    int64_t row_heap_ = 0;
    int64_t row_spare_ = 0;
    int64_t row_need_ = 0;
    int64_t needed_ = 0;
    bool too_small_ = false;  // not even the cells of one row fit: they are staged in spare_, to
                              // learn what is needed
    std::vector<Stage> stages_;
    std::vector<char> gathered_;
    std::vector<char> spare_;
};

// A block of somebody else, checked whole before any of it is believed. The bytes must outlive the
// view.
class BlockView {
public:
    // Throws Error(invalid_argument) that says what is wrong.
    static BlockView parse(const void* data, int64_t size);

    int32_t columns() const noexcept { return columns_; }
    int32_t rows() const noexcept { return rows_; }
    Type column_type(int32_t column) const noexcept {
        return cells_[static_cast<std::size_t>(column)].type;
    }
    Value at(int32_t row, int32_t column) const noexcept;

private:
    struct Cells {
        Type type = Type::null;
        const char* validity = nullptr;
        const char* data = nullptr;
        const char* heap = nullptr;
    };
    static Cells parse_column(std::span<const char> block, int32_t index, int32_t rows);

    int32_t columns_ = 0;
    int32_t rows_ = 0;
    std::vector<Cells> cells_;
};

// Collects rows of any size, then lays them out as one block.
class BlockBuilder {
public:
    void add(const Value& value);  // copies the bytes; throws Error(limit) past 2^31 - 1 bytes,
                                   // Error(invalid_state) for a cell too many
    void end_row();                // throws Error(invalid_state) for a cell too few
    const std::vector<char>& finish();  // valid until the next change
    void clear() noexcept;
    int32_t columns() const noexcept { return columns_; }
    int64_t rows() const noexcept { return rows_; }

private:
    struct Cell {
        Type type;
        int64_t slot;  // for bytes: the offset into heap_
        int64_t size;
    };
    std::vector<Cell> cells_;
    std::vector<char> heap_;
    std::vector<char> block_;
    int32_t columns_ = -1;  // unknown until the first row ends
    int32_t column_ = 0;
    int64_t rows_ = 0;
    bool finished_ = false;
};

}  // namespace mtdb::db
