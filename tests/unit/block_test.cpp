// SPDX-License-Identifier: MIT
#include "db/block.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "db/connection.hpp"

using namespace mtdb;
using namespace mtdb::db;

namespace {

using Row = std::vector<Value>;

const std::string sixteen(16, '\x7f');
const std::string emoji = "\xf0\x9f\x90\x98";

// A value of a type, told apart by `seed`; its bytes are static.
Value sample(Type type, int64_t seed) {
    static const std::string texts[] = {"", "a", std::string("nul\0inside", 10), emoji,
                                        std::string(300, 'x')};
    const std::string& text = texts[static_cast<std::size_t>(seed) % std::size(texts)];
    switch (type) {
        case Type::null:
        case Type::variant:
            return Value::null();
        case Type::boolean:
            return Value::integer(seed % 2, type);
        case Type::date:
            return Value::integer(seed * 1000 - 70000, type);
        case Type::float32:
            return Value::real(static_cast<double>(seed) * 0.5, type);
        case Type::float64:
            return Value::real(1e300 / static_cast<double>(seed + 1), type);
        case Type::uint64:
            return Value::integer(-1 - seed, type);
        case Type::uuid:
        case Type::interval:
            return Value::text(sixteen, type);
        default:
            return carrier_of(type) == Carrier::integer
                       ? Value::integer(std::numeric_limits<int64_t>::min() + seed, type)
                       : Value::text(text, type);
    }
}

bool same(const Value& a, const Value& b) {
    if (a.type != b.type) return false;
    if (carrier_of(a.type) == Carrier::bytes)
        return a.size == b.size && (a.size == 0 || a.view() == b.view());
    return a.slot == b.slot;
}

void check_rows(const std::vector<char>& block, const std::vector<Row>& rows) {
    const BlockView view = BlockView::parse(block.data(), static_cast<int64_t>(block.size()));
    REQUIRE(view.rows() == static_cast<int32_t>(rows.size()));
    for (std::size_t r = 0; r < rows.size(); ++r)
        for (std::size_t c = 0; c < rows[r].size(); ++c) {
            CAPTURE(r);
            CAPTURE(c);
            CHECK(same(view.at(static_cast<int32_t>(r), static_cast<int32_t>(c)), rows[r][c]));
        }
}

// Writes rows from the `first` on into a buffer of its own that stands `shift` bytes off alignment;
// returns how many fitted.
int64_t write(const std::vector<Row>& rows, std::size_t first, int64_t capacity, int64_t shift,
              std::vector<char>& block, int64_t* needed = nullptr, int64_t row_bytes = 0) {
    std::vector<char> memory(static_cast<std::size_t>(capacity + shift), '\xa5');
    BlockWriter writer(memory.data() + shift, capacity, static_cast<int32_t>(rows[0].size()), 0,
                       row_bytes);
    for (std::size_t r = first; r < rows.size() && writer.has_room(); ++r) {
        writer.begin_row();
        for (std::size_t c = 0; c < rows[r].size(); ++c)
            writer.put_value(static_cast<int32_t>(c), rows[r][c]);
        if (!writer.end_row()) {
            if (needed != nullptr) *needed = writer.needed();
            break;
        }
    }
    const int64_t total = writer.finish();
    CHECK(total <= capacity);
    block.assign(memory.data() + shift, memory.data() + shift + total);
    return writer.rows();
}

std::vector<char> build(const std::vector<Row>& rows) {
    BlockBuilder builder;
    for (const Row& row : rows) {
        for (const Value& value : row) builder.add(value);
        builder.end_row();
    }
    return builder.finish();
}

std::vector<Row> rows_of(Type type, int count, int null_every) {
    std::vector<Row> rows;
    for (int i = 0; i < count; ++i)
        rows.push_back({null_every > 0 && i % null_every == 0 ? Value::null() : sample(type, i)});
    return rows;
}

// Rows of random types and lengths.
std::vector<Row> random_rows(std::mt19937& random, std::size_t columns, std::size_t count,
                             bool mixed) {
    std::vector<Type> types;
    for (std::size_t c = 0; c < columns; ++c)
        types.push_back(static_cast<Type>(random() % type_count));
    std::vector<Row> rows(count);
    for (Row& row : rows)
        for (std::size_t c = 0; c < columns; ++c) {
            const Type type =
                mixed && random() % 3 == 0 ? static_cast<Type>(random() % type_count) : types[c];
            row.push_back(random() % 4 == 0 ? Value::null()
                                            : sample(type, static_cast<int64_t>(random() % 1000)));
        }
    return rows;
}

}  // namespace

TEST_CASE("every type makes the round trip, without and with NULLs, by builder and by writer") {
    for (int32_t t = 0; t < type_count; ++t)
        for (const int null_every : {0, 1, 2, 9})
            for (const int count : {1, 7, 8, 9, 100}) {
                CAPTURE(t);
                CAPTURE(null_every);
                CAPTURE(count);
                const std::vector<Row> rows = rows_of(static_cast<Type>(t), count, null_every);
                check_rows(build(rows), rows);
                std::vector<char> block;
                CHECK(write(rows, 0, 1 << 20, 0, block) == count);
                check_rows(block, rows);
            }
}

TEST_CASE(
    "a column's type is that of its values: none is NULL, one is itself, several are variant") {
    const std::vector<char> block = build({{Value::null(), Value::integer(1), Value::integer(1)},
                                           {Value::null(), Value::null(), Value::text("x")}});
    const BlockView view = BlockView::parse(block.data(), static_cast<int64_t>(block.size()));
    CHECK(view.column_type(0) == Type::null);
    CHECK(view.column_type(1) == Type::int64);
    CHECK(view.column_type(2) == Type::variant);
    CHECK(view.at(1, 2).view() == "x");
    CHECK(view.at(1, 1).type == Type::null);
}

TEST_CASE("several text columns keep their own bytes") {
    std::vector<Row> rows;
    for (int i = 0; i < 50; ++i)
        rows.push_back({sample(Type::text, i), sample(Type::int64, i), sample(Type::bytes, i + 1),
                        sample(Type::json, i + 2), sample(Type::uuid, i)});
    std::vector<char> block;
    CHECK(write(rows, 0, 1 << 18, 0, block) == 50);
    check_rows(block, rows);
}

TEST_CASE("a block may stand anywhere in memory") {
    std::mt19937 random(7);
    for (int64_t shift = 1; shift < 8; ++shift) {
        const std::vector<Row> rows = random_rows(random, 6, 40, true);
        std::vector<char> block;
        CHECK(write(rows, 0, 1 << 18, shift, block) == 40);
        block.insert(block.begin(), static_cast<std::size_t>(shift), '\0');
        const BlockView view =
            BlockView::parse(block.data() + shift, static_cast<int64_t>(block.size()) - shift);
        for (int32_t r = 0; r < 40; ++r)
            for (int32_t c = 0; c < 6; ++c)
                CHECK(same(view.at(r, c),
                           rows[static_cast<std::size_t>(r)][static_cast<std::size_t>(c)]));
    }
}

TEST_CASE(
    "random rows of random types go through buffers of any size, block by block, and come out the "
    "same") {
    std::mt19937 random(20260101);
    for (int round = 0; round < 300; ++round) {
        CAPTURE(round);
        const std::size_t columns = 1 + random() % 6;
        const std::vector<Row> rows =
            random_rows(random, columns, 1 + random() % 60, round % 2 == 0);
        auto capacity = static_cast<int64_t>(random() % 6000);
        std::size_t at = 0;
        while (at < rows.size()) {
            std::vector<char> block;
            int64_t needed = 0;
            const int64_t row_bytes = static_cast<int64_t>(random() % 100);
            const int64_t written = write(rows, at, capacity, static_cast<int64_t>(random() % 8),
                                          block, &needed, row_bytes);
            if (written == 0) {
                REQUIRE(needed > capacity);
                capacity = needed;
                continue;
            }
            const std::size_t end = at + static_cast<std::size_t>(written);
            check_rows(block, {rows.begin() + static_cast<std::ptrdiff_t>(at),
                               rows.begin() + static_cast<std::ptrdiff_t>(end)});
            at = end;
        }
    }
}

TEST_CASE("a buffer of the bytes that a row needs holds it, however many rows were planned") {
    for (const std::size_t size : {0UL, 1UL, 15UL, 1000UL, 100000UL})
        for (const int64_t row_bytes : {0, 32, 1000}) {
            const std::string text(size, 't');
            const std::vector<Row> rows = {
                {Value::text(text), Value::integer(1), Value::null(),
                 Value::text(sixteen, Type::uuid)},
                {Value::null(), Value::null(), Value::null(), Value::null()}};
            std::vector<char> block;
            int64_t needed = 0;
            CHECK(write(rows, 0, 0, 0, block, &needed, row_bytes) == 0);
            CHECK(block.empty());
            CAPTURE(size);
            CAPTURE(row_bytes);
            CHECK(needed == BlockWriter::bytes_for_row(4, static_cast<int64_t>(size) + 16));
            CHECK(write(rows, 0, needed, 0, block, nullptr, row_bytes) >= 1);
            const BlockView view =
                BlockView::parse(block.data(), static_cast<int64_t>(block.size()));
            CHECK(view.at(0, 0).view() == text);
        }
}

TEST_CASE("NULLs in a column of sixteen bytes take their room before they are promised it") {
    for (int64_t capacity = 100; capacity < 2000; capacity += 7) {
        const std::vector<Row> rows = rows_of(Type::uuid, 200, 0);
        std::vector<Row> sparse = {rows[0]};
        for (int i = 0; i < 199; ++i) sparse.push_back({Value::null()});
        std::vector<char> block;
        const int64_t written = write(sparse, 0, capacity, 0, block);
        if (written > 0)
            check_rows(block,
                       {sparse.begin(), sparse.begin() + static_cast<std::ptrdiff_t>(written)});
    }
}

TEST_CASE("a block without rows is a header and its columns; without room for that it is nothing") {
    std::vector<char> memory(200);
    BlockWriter writer(memory.data(), 200, 2, 0);
    const int64_t total = writer.finish();
    CHECK(total == 32 + 2 * 32);
    const BlockView view = BlockView::parse(memory.data(), total);
    CHECK(view.columns() == 2);
    CHECK(view.rows() == 0);
    BlockWriter none(memory.data(), 50, 2, 0);
    CHECK(none.finish() == 0);
    CHECK(BlockBuilder().finish().size() == 32);
}

TEST_CASE("rows_max ends a block, and a row that is taken back leaves no trace") {
    std::vector<char> memory(4096);
    BlockWriter writer(memory.data(), 4096, 1, 2);
    for (int i = 0; i < 2; ++i) {
        REQUIRE(writer.has_room());
        writer.begin_row();
        writer.put_value(0, Value::integer(i));
        REQUIRE(writer.end_row());
    }
    CHECK_FALSE(writer.has_room());
    BlockWriter other(memory.data(), 400, 1, 0);
    other.begin_row();
    other.put_value(0, Value::text("kept"));
    REQUIRE(other.end_row());
    const std::string big(1000, 'b');
    other.begin_row();
    CHECK_FALSE(other.put_value(0, Value::text(big)));
    CHECK_FALSE(other.end_row());
    CHECK(other.needed() == BlockWriter::bytes_for_row(1, 1000));
    const BlockView view = BlockView::parse(memory.data(), other.finish());
    CHECK(view.rows() == 1);
    CHECK(view.at(0, 0).view() == "kept");
}

TEST_CASE("a builder refuses rows of another width and values of the wrong size") {
    BlockBuilder builder;
    CHECK_THROWS_AS(builder.end_row(), Error);
    builder.add(Value::integer(1));
    builder.add(Value::integer(2));
    CHECK_THROWS_AS(builder.finish(), Error);
    builder.end_row();
    builder.add(Value::integer(3));
    CHECK_THROWS_AS(builder.end_row(), Error);
    builder.add(Value::integer(4));
    CHECK_THROWS_AS(builder.add(Value::integer(5)), Error);
    CHECK_THROWS_AS(builder.add(Value::text("short", Type::uuid)), Error);
    builder.end_row();
    CHECK(builder.rows() == 2);
    CHECK(builder.finish().size() > 0);
    builder.clear();
    CHECK(builder.finish().size() == 32);
}

// ---- hostile blocks -----------------------------------------------------------------------------

namespace {

// Reads all of a block if it is accepted. The block stands in memory of exactly its size, so that
// reading past it is seen.
bool read_all(const std::vector<char>& bytes) {
    const std::vector<char> exact(bytes.begin(), bytes.end());
    try {
        const BlockView view = BlockView::parse(exact.data(), static_cast<int64_t>(exact.size()));
        const int32_t rows =
            std::min(view.rows(), 2000);  // a column of NULLs has rows without bytes
        std::size_t sum = 0;
        for (int32_t r = 0; r < rows; ++r)
            for (int32_t c = 0; c < view.columns(); ++c) {
                const Value value = view.at(r, c);
                if (carrier_of(value.type) == Carrier::bytes)
                    for (const char byte : value.view()) sum += static_cast<unsigned char>(byte);
            }
        return sum != 1;
    } catch (const Error& error) {
        CHECK(error.code() == Code::invalid_argument);
        return false;
    }
}

}  // namespace

TEST_CASE("no flip of bits in a block leads outside of it") {
    std::mt19937 random(99);
    int accepted = 0;
    for (int round = 0; round < 200; ++round) {
        const std::vector<char> block =
            build(random_rows(random, 1 + random() % 5, 1 + random() % 12, round % 2 == 0));
        for (int i = 0; i < 100; ++i) {
            std::vector<char> bad = block;
            for (std::size_t flips = 1 + random() % 3; flips > 0; --flips) {
                // Mostly where the block speaks of itself.
                const std::size_t end =
                    random() % 3 == 0 ? bad.size() : std::min<std::size_t>(bad.size(), 160);
                bad[random() % end] ^= static_cast<char>(1U << random() % 8);
            }
            accepted += read_all(bad) ? 1 : 0;
        }
    }
    CHECK(accepted > 0);
}

TEST_CASE("no part of a block is taken for a whole one") {
    const std::vector<char> block = build(rows_of(Type::text, 20, 3));
    for (std::size_t size = 0; size < block.size(); ++size)
        CHECK_FALSE(read_all({block.begin(), block.begin() + static_cast<std::ptrdiff_t>(size)}));
    CHECK(read_all(block));
    CHECK_THROWS_AS(BlockView::parse(nullptr, 100), Error);
    CHECK_THROWS_AS(BlockView::parse(block.data(), -1), Error);
}

TEST_CASE("random bytes behind a valid header are refused or harmless") {
    std::mt19937 random(5);
    for (int round = 0; round < 5000; ++round) {
        std::vector<char> bytes(32 + random() % 400);
        for (char& byte : bytes)
            byte = static_cast<char>(random() % 5 == 0 ? random() : random() % 40);
        const mtdb_block_header header{MTDB_BLOCK_MAGIC,
                                       MTDB_BLOCK_VERSION,
                                       static_cast<int32_t>(random() % 4),
                                       static_cast<int32_t>(random() % 9),
                                       static_cast<int64_t>(bytes.size()),
                                       0};
        std::memcpy(bytes.data(), &header, sizeof header);
        read_all(bytes);
    }
}

// ---- Rows::fill ---------------------------------------------------------------------------------

namespace {

class Numbers final : public Rows {
public:
    explicit Numbers(int64_t count, std::string text = {})
        : count_(count), text_(std::move(text)) {}
    int32_t column_count() const override { return 2; }
    Column column(int32_t) const override { return {}; }
    bool next(const Wait&) override { return ++at_ <= count_; }
    Value value(int32_t index) const override {
        return index == 0 ? Value::integer(at_) : Value::text(text_);
    }

private:
    int64_t at_ = 0;
    int64_t count_;
    std::string text_;
};

}  // namespace

TEST_CASE("fill gives every row once, in blocks of the caller's size") {
    Numbers rows(1000, "some text");
    int64_t expected = 1;
    Fill filled = Fill::more;
    int blocks = 0;
    while (filled == Fill::more) {
        std::vector<char> memory(2048);
        BlockWriter writer(memory.data(), 2048, 2, 0, 9);
        filled = rows.fill(writer, Wait::forever());
        const BlockView view = BlockView::parse(memory.data(), writer.finish());
        for (int32_t r = 0; r < view.rows(); ++r) CHECK(view.at(r, 0).slot == expected++);
        ++blocks;
    }
    CHECK(filled == Fill::done);
    CHECK(expected == 1001);
    CHECK(blocks > 5);
}

TEST_CASE("fill keeps a row that does not fit, for a buffer that holds it") {
    Numbers rows(1, std::string(5000, 'x'));
    std::vector<char> memory(100);
    BlockWriter small(memory.data(), 100, 2, 0);
    CHECK(rows.fill(small, Wait::forever()) == Fill::too_small);
    memory.resize(static_cast<std::size_t>(small.needed()));
    BlockWriter large(memory.data(), small.needed(), 2, 0);
    CHECK(rows.fill(large, Wait::forever()) != Fill::too_small);
    CHECK(BlockView::parse(memory.data(), large.finish()).rows() == 1);
}
