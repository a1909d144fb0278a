// SPDX-License-Identifier: MIT
#include "db/block.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "base/error.hpp"

namespace mtdb::db {
namespace {

constexpr int64_t header_size = sizeof(mtdb_block_header);
constexpr int64_t column_size = sizeof(mtdb_block_column);
constexpr int64_t block_max = std::numeric_limits<int32_t>::max();
constexpr int64_t heap_padding = 16;  // per column: alignment between the parts of the heap
static_assert(sizeof(mtdb_block_header) == 32 && sizeof(mtdb_block_column) == 32);

constexpr int64_t padded(int64_t size) { return (size + 7) & ~int64_t{7}; }
constexpr int64_t bitmap_size(int64_t rows) { return padded((rows + 7) / 8); }
// Tags, slots and room for a bitmap.
constexpr int64_t stage_size(int64_t rows) { return bitmap_size(rows) + padded(rows) + rows * 8; }

constexpr bool in_heap_as_text(Type type) {
    return carrier_of(type) == Carrier::bytes && type != Type::uuid && type != Type::interval;
}
constexpr bool sixteen_wide(Type type) { return type == Type::uuid || type == Type::interval; }

constexpr int64_t width_of(Type type) {
    switch (type) {
        case Type::boolean:
            return 1;
        case Type::date:
        case Type::float32:
            return 4;
        default:
            return 8;
    }
}

template <class T>
T load(const char* at) noexcept {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
}
template <class T>
void store(char* at, T value) noexcept {
    std::memcpy(at, &value, sizeof value);
}

int64_t heap_offset(int64_t slot) noexcept {
    return static_cast<int64_t>(static_cast<uint64_t>(slot) >> 32);
}
int64_t heap_length(int64_t slot) noexcept { return slot & 0xffffffff; }

// The type of a column whose values have the types in `mask`.
Type column_type(uint32_t mask) noexcept {
    mask &= ~1U;
    if (mask == 0) return Type::null;
    if ((mask & (mask - 1)) != 0) return Type::variant;
    return static_cast<Type>(std::countr_zero(mask));
}

[[noreturn]] void reject(const std::string& what) {
    throw Error(Code::invalid_argument, "not a row block: " + what);
}

}  // namespace

BlockWriter::BlockWriter(void* buffer, int64_t capacity, int32_t columns, int64_t rows_max,
                         int64_t row_bytes)
    : base_(static_cast<char*>(buffer)), capacity_(std::min(capacity, block_max)) {
    const int64_t fixed = header_size + columns * (column_size + heap_padding);
    const int64_t per_row = columns * 10 + row_bytes;
    int64_t rows = per_row > 0 ? (capacity_ - fixed) / per_row : 1;
    if (rows_max > 0) rows = std::min(rows, rows_max);
    rows = std::clamp<int64_t>(rows, 1, 1 << 20);
    while (rows > 1 && fixed + columns * stage_size(rows) > capacity_) rows /= 2;
    stages_.resize(static_cast<std::size_t>(columns));
    rows_max_ = rows;
    too_small_ = fixed + columns * stage_size(rows) > capacity_;
    if (too_small_) {
        spare_.resize(static_cast<std::size_t>(fixed + columns * stage_size(rows)));
        base_ = spare_.data();
        capacity_ = static_cast<int64_t>(spare_.size());
    }
    int64_t at = header_size + columns * column_size;
    for (Stage& stage : stages_) {
        stage = {base_ + at + bitmap_size(rows), base_ + at + bitmap_size(rows) + padded(rows), 0};
        at += stage_size(rows);
    }
    heap_begin_ = heap_end_ = at;
    heap_spare_ = columns * heap_padding;
}

bool BlockWriter::put_value(int32_t column, const Value& value) noexcept {
    switch (carrier_of(value.type)) {
        case Carrier::none:
            put_null(column);
            return true;
        case Carrier::bytes:
            return put_bytes(column, value.type, value.data, value.size);
        default:
            put_slot(column, value.type, value.slot);
            return true;
    }
}

int64_t BlockWriter::bytes_for_row(int32_t columns, int64_t row_heap) noexcept {
    return header_size + columns * (column_size + heap_padding + stage_size(1) + 8) +
           padded(row_heap);
}

bool BlockWriter::make_room(int64_t size) noexcept {
    if (rows_ != 0 || rows_max_ <= 1 || too_small_) return false;
    rows_max_ = 1;
    int64_t at = header_size + static_cast<int64_t>(stages_.size()) * column_size;
    for (Stage& stage : stages_) {  // downwards in memory, lowest first
        const char tag = stage.tags[0];
        const auto slot = load<int64_t>(stage.slots);
        stage.tags = base_ + at + bitmap_size(1);
        stage.slots = stage.tags + padded(1);
        stage.tags[0] = tag;
        store(stage.slots, slot);
        at += stage_size(1);
    }
    std::memmove(base_ + at, base_ + heap_begin_, static_cast<std::size_t>(heap_used()));
    heap_end_ += at - heap_begin_;
    row_heap_ += at - heap_begin_;
    heap_begin_ = at;
    return size <= capacity_ - heap_end_ - heap_spare_;
}

BlockWriter::Plan BlockWriter::plan_column(const Stage& stage, int64_t& out) const {
    Plan plan{column_type(stage.mask), 0, 0, 0};
    if (plan.type == Type::null) return plan;
    if ((stage.mask & 1U) != 0) {
        plan.validity = out;
        out += bitmap_size(rows_);
    }
    if (sixteen_wide(plan.type)) return plan;  // its values stand in the heap
    plan.data = out;
    if (plan.type == Type::variant)
        out += padded(rows_) + rows_ * 8;
    else if (in_heap_as_text(plan.type))
        out += padded((rows_ + 1) * 4);
    else
        out += padded(rows_ * width_of(plan.type));
    return plan;
}

// Appends the bytes of one column to gathered_, in row order, and makes its slots speak of the
// gathered bytes.
void BlockWriter::gather(const Stage& stage, Type type) {
    const std::size_t begin = gathered_.size();
    for (int64_t row = 0; row < rows_; ++row) {
        const auto tag = static_cast<Type>(stage.tags[row]);
        if (carrier_of(tag) != Carrier::bytes) {
            if (sixteen_wide(type)) gathered_.resize(gathered_.size() + 16);
            continue;
        }
        const int64_t slot = load<int64_t>(stage.slots + row * 8);
        const char* bytes = base_ + heap_begin_ + heap_offset(slot);
        const auto offset = static_cast<uint64_t>(gathered_.size() - begin);
        gathered_.insert(gathered_.end(), bytes, bytes + heap_length(slot));
        store(stage.slots + row * 8,
              static_cast<int64_t>(offset << 32 | static_cast<uint64_t>(heap_length(slot))));
    }
    gathered_.resize(static_cast<std::size_t>(padded(static_cast<int64_t>(gathered_.size()))));
}

// Moves a column's cells from the stage to their place, which never lies behind the stage.
void BlockWriter::place_cells(Stage& stage, const Plan& plan) {
    if (plan.validity != 0) {
        char* bits = base_ + plan.validity;
        for (int64_t row = 0; row < rows_; row += 8) {
            unsigned byte = 0;
            for (int64_t bit = 0; bit < 8 && row + bit < rows_; ++bit)
                byte |= (stage.tags[row + bit] != 0 ? 1U : 0U) << bit;
            bits[row / 8] = static_cast<char>(byte);
        }
        std::fill(bits + (rows_ + 7) / 8, bits + bitmap_size(rows_), '\0');
    }
    if (plan.data == 0) return;
    char* data = base_ + plan.data;
    if (plan.type == Type::variant) {
        std::memmove(data, stage.tags, static_cast<std::size_t>(rows_));
        std::fill(data + rows_, data + padded(rows_), '\0');
        std::memmove(data + padded(rows_), stage.slots, static_cast<std::size_t>(rows_ * 8));
        return;
    }
    if (in_heap_as_text(plan.type)) {
        int32_t end = 0;
        const char* slots = stage.slots;
        for (int64_t row = 0; row < rows_; ++row) {
            const auto length = static_cast<int32_t>(heap_length(load<int64_t>(slots + row * 8)));
            store(data + row * 4, end);
            end += length;  // a NULL's slot is 0
        }
        store(data + rows_ * 4, end);
        return;
    }
    const int64_t width = width_of(plan.type);
    if (width == 8) {
        std::memmove(data, stage.slots, static_cast<std::size_t>(rows_ * 8));
        return;
    }
    for (int64_t row = 0; row < rows_; ++row) {
        const int64_t slot = load<int64_t>(stage.slots + row * 8);
        if (plan.type == Type::boolean)
            data[row] = static_cast<char>(slot != 0);
        else if (plan.type == Type::date)
            store(data + row * 4, static_cast<int32_t>(slot));
        else
            store(data + row * 4, static_cast<float>(std::bit_cast<double>(slot)));
    }
}

// Puts the bytes behind the cells: as they lie when one column has them all, else gathered column
// by column.
void BlockWriter::place_heaps(std::vector<Plan>& plans, int64_t out) {
    const auto has_heap = [](const Plan& plan) {
        return plan.type == Type::variant || carrier_of(plan.type) == Carrier::bytes;
    };
    const auto owners = std::count_if(plans.begin(), plans.end(), has_heap);
    const bool as_it_lies =
        owners == 1 && std::none_of(plans.begin(), plans.end(),
                                    [](const Plan& plan) { return sixteen_wide(plan.type); });
    gathered_.clear();
    int64_t at = out;
    for (std::size_t i = 0; i < plans.size(); ++i) {
        Plan& plan = plans[i];
        if (!has_heap(plan)) continue;
        if (!as_it_lies) gather(stages_[i], plan.type);
        (sixteen_wide(plan.type) ? plan.data : plan.heap) = at;
        at = out + static_cast<int64_t>(gathered_.size());
    }
    for (std::size_t i = 0; i < plans.size(); ++i)
        if (!sixteen_wide(plans[i].type) || plans[i].validity != 0) {
            Plan cells = plans[i];
            if (sixteen_wide(cells.type)) cells.data = 0;
            place_cells(stages_[i], cells);
        }
    if (as_it_lies) {
        std::memmove(base_ + out, base_ + heap_begin_, static_cast<std::size_t>(heap_used()));
        heap_end_ = out + heap_used();
    } else {
        std::copy(gathered_.begin(), gathered_.end(), base_ + out);
        heap_end_ = out + static_cast<int64_t>(gathered_.size());
    }
}

int64_t BlockWriter::finish() {
    const auto columns = static_cast<int32_t>(stages_.size());
    int64_t out = header_size + columns * column_size;
    if (too_small_) return 0;
    std::vector<Plan> plans;
    plans.reserve(stages_.size());
    if (rows_ == 0)
        plans.assign(stages_.size(), Plan{Type::null, 0, 0, 0});
    else
        for (const Stage& stage : stages_) plans.push_back(plan_column(stage, out));
    place_heaps(plans, out);
    const int64_t total = padded(std::max(out, heap_end_));
    std::fill(base_ + std::max(out, heap_end_), base_ + total, '\0');
    const mtdb_block_header header{
        MTDB_BLOCK_MAGIC, MTDB_BLOCK_VERSION, columns, static_cast<int32_t>(rows_), total, 0};
    store(base_, header);
    for (std::size_t i = 0; i < plans.size(); ++i) {
        const mtdb_block_column column{static_cast<int32_t>(plans[i].type), 0, plans[i].validity,
                                       plans[i].data, plans[i].heap};
        store(base_ + header_size + static_cast<int64_t>(i) * column_size, column);
    }
    return total;
}

BlockView BlockView::parse(const void* data, int64_t size) {
    if (data == nullptr || size < header_size) reject("it is shorter than its header");
    const auto* bytes = static_cast<const char*>(data);
    const auto header = load<mtdb_block_header>(bytes);
    if (header.magic != MTDB_BLOCK_MAGIC) reject("the first four bytes are not its mark");
    if (header.version != MTDB_BLOCK_VERSION)
        reject("version " + std::to_string(header.version) + " is not known");
    if (header.total > size || header.total < header_size || header.total > block_max)
        reject("its header says " + std::to_string(header.total) + " bytes, there are " +
               std::to_string(size));
    if (header.columns < 0 || header.rows < 0) reject("a negative count");
    if (header.columns > (header.total - header_size) / column_size)
        reject("more columns than bytes");
    if (header.columns == 0 && header.rows > 0) reject("rows without columns");
    BlockView view;
    view.columns_ = header.columns;
    view.rows_ = header.rows;
    const std::span block(bytes, static_cast<std::size_t>(header.total));
    view.cells_.reserve(static_cast<std::size_t>(header.columns));
    for (int32_t i = 0; i < header.columns; ++i)
        view.cells_.push_back(parse_column(block, i, header.rows));
    return view;
}

namespace {

// Checks offsets against the block; says which column is wrong.
class Bounds {
public:
    Bounds(std::span<const char> block, int32_t column)
        : block_(block), first_(header_size), column_("column " + std::to_string(column) + ": ") {}

    const char* range(int64_t offset, int64_t size, const char* what) const {
        const auto total = static_cast<int64_t>(block_.size());
        if (offset < first_ || offset > total || size < 0 || size > total - offset)
            reject(column_ + what + " lies outside the block");
        return block_.data() + offset;
    }
    int64_t behind(int64_t offset) const { return static_cast<int64_t>(block_.size()) - offset; }
    [[noreturn]] void fail(const char* what) const { reject(column_ + what); }

private:
    std::span<const char> block_;
    int64_t first_;
    std::string column_;
};

void check_offsets(const Bounds& bounds, const char* data, int32_t rows, int64_t heap) {
    int32_t last = load<int32_t>(data);
    if (last < 0) bounds.fail("its offsets are not in order");
    for (int32_t row = 1; row <= rows; ++row) {
        const auto next = load<int32_t>(data + int64_t{row} * 4);
        if (next < last) bounds.fail("its offsets are not in order");
        last = next;
    }
    if (last > 0) bounds.range(heap, last, "its text");
}

void check_variants(const Bounds& bounds, const char* tags, int32_t rows, int64_t heap) {
    const char* slots = tags + padded(rows);
    for (int32_t row = 0; row < rows; ++row) {
        const auto type = static_cast<Type>(tags[row]);
        if (tags[row] < 0 || tags[row] >= type_count || type == Type::variant)
            bounds.fail("an unknown type");
        if (carrier_of(type) != Carrier::bytes) continue;
        const int64_t slot = load<int64_t>(slots + int64_t{row} * 8);
        if (sixteen_wide(type) && heap_length(slot) != 16)
            bounds.fail("a value that must have 16 bytes");
        if (heap_length(slot) == 0) continue;
        if (heap == 0) bounds.fail("text without a heap");
        if (heap_offset(slot) > bounds.behind(heap)) bounds.fail("its text lies outside the block");
        bounds.range(heap + heap_offset(slot), heap_length(slot), "its text");
    }
}

}  // namespace

BlockView::Cells BlockView::parse_column(std::span<const char> block, int32_t index, int32_t rows) {
    const Bounds bounds(block, index);
    const auto column = load<mtdb_block_column>(block.data() + header_size + index * column_size);
    if (column.type < 0 || column.type >= type_count) bounds.fail("an unknown type");
    Cells cells{static_cast<Type>(column.type), nullptr, nullptr, nullptr};
    if (column.validity != 0)
        cells.validity = bounds.range(column.validity, (int64_t{rows} + 7) / 8, "its validity");
    if (cells.type == Type::null || rows == 0) return cells;
    if (cells.type == Type::variant) {
        cells.data = bounds.range(column.data, padded(rows) + int64_t{rows} * 8, "its values");
        if (column.heap != 0) cells.heap = bounds.range(column.heap, 0, "its text");
        check_variants(bounds, cells.data, rows, column.heap);
    } else if (in_heap_as_text(cells.type)) {
        cells.data = bounds.range(column.data, (int64_t{rows} + 1) * 4, "its offsets");
        if (column.heap != 0) cells.heap = bounds.range(column.heap, 0, "its text");
        check_offsets(bounds, cells.data, rows, column.heap);
    } else {
        const int64_t width = sixteen_wide(cells.type) ? 16 : width_of(cells.type);
        cells.data = bounds.range(column.data, int64_t{rows} * width, "its values");
    }
    return cells;
}

Value BlockView::at(int32_t row, int32_t column) const noexcept {
    const Cells& cells = cells_[static_cast<std::size_t>(column)];
    if (cells.validity != nullptr &&
        (static_cast<unsigned char>(cells.validity[row / 8]) >> (row % 8) & 1U) == 0)
        return Value::null();
    Type type = cells.type;
    const int64_t at = row;
    if (type == Type::null) return Value::null();
    if (type == Type::variant) {
        type = static_cast<Type>(cells.data[at]);
        const int64_t slot = load<int64_t>(cells.data + padded(rows_) + at * 8);
        if (carrier_of(type) != Carrier::bytes) return {type, slot, nullptr, 0};
        const char* text = heap_length(slot) == 0 ? "" : cells.heap + heap_offset(slot);
        return {type, 0, text, heap_length(slot)};
    }
    if (in_heap_as_text(type)) {
        const auto begin = load<int32_t>(cells.data + at * 4);
        const auto end = load<int32_t>(cells.data + (at + 1) * 4);
        return {type, 0, end > begin ? cells.heap + begin : "", end - begin};
    }
    if (sixteen_wide(type)) return {type, 0, cells.data + at * 16, 16};
    switch (type) {
        case Type::boolean:
            return Value::integer(cells.data[at] != 0 ? 1 : 0, type);
        case Type::date:
            return Value::integer(load<int32_t>(cells.data + at * 4), type);
        case Type::float32:
            return Value::real(static_cast<double>(load<float>(cells.data + at * 4)), type);
        default:
            return {type, load<int64_t>(cells.data + at * 8), nullptr, 0};
    }
}

void BlockBuilder::add(const Value& value) {
    if (columns_ >= 0 && column_ >= columns_)
        throw Error(Code::invalid_state, "the row has more cells than the first row");
    if (sixteen_wide(value.type) && value.size != 16)
        throw Error(Code::invalid_argument, "this type takes 16 bytes");
    if (static_cast<int64_t>(heap_.size()) + value.size > block_max)
        throw Error(Code::limit, "a block ends at 2 GiB");
    Cell cell{value.type, value.slot, value.size};
    if (carrier_of(value.type) == Carrier::bytes) {
        cell.slot = static_cast<int64_t>(heap_.size());
        heap_.insert(heap_.end(), value.data, value.data + value.size);
    }
    cells_.push_back(cell);
    ++column_;
    finished_ = false;
}

void BlockBuilder::end_row() {
    if (column_ == 0) throw Error(Code::invalid_state, "the row has no cells");
    if (columns_ >= 0 && column_ != columns_)
        throw Error(Code::invalid_state, "the row has fewer cells than the first row");
    columns_ = column_;
    column_ = 0;
    ++rows_;
    finished_ = false;
}

const std::vector<char>& BlockBuilder::finish() {
    if (finished_) return block_;
    if (column_ != 0) throw Error(Code::invalid_state, "the last row is not ended");
    const int32_t columns = std::max(columns_, 0);
    const int64_t rows = std::max<int64_t>(rows_, 1);
    const int64_t size = header_size +
                         columns * (column_size + heap_padding + stage_size(rows) + 8 * rows) +
                         padded(static_cast<int64_t>(heap_.size()));
    if (size > block_max || rows > 1 << 20)
        throw Error(Code::limit, "a block ends at 2 GiB or 1,048,576 rows");
    block_.resize(static_cast<std::size_t>(size));
    BlockWriter writer(block_.data(), size, columns, rows);
    auto cell = cells_.begin();
    for (int64_t row = 0; row < rows_; ++row) {
        writer.begin_row();
        for (int32_t column = 0; column < columns; ++column, ++cell) {
            Value value{cell->type, cell->slot, nullptr, cell->size};
            if (carrier_of(cell->type) == Carrier::bytes) value.data = heap_.data() + cell->slot;
            writer.put_value(column, value);
        }
        if (!writer.end_row()) throw Error(Code::internal, "a block's size was computed wrongly");
    }
    block_.resize(static_cast<std::size_t>(writer.finish()));
    finished_ = true;
    return block_;
}

void BlockBuilder::clear() noexcept {
    cells_.clear();
    heap_.clear();
    columns_ = -1;
    column_ = 0;
    rows_ = 0;
    finished_ = false;
}

}  // namespace mtdb::db
