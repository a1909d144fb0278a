// SPDX-License-Identifier: MIT
// PostgreSQL's types as ours, in both directions.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "db/connection.hpp"
#include "db/value.hpp"

namespace mtdb::backends::postgres {

using Oid = uint32_t;

// How the bytes of a value are read. One per wire form, not per type.
enum class Decoder : uint8_t {
    text,  // as it stands, in both formats
    boolean,
    int16,
    int32,
    int64,
    oid,
    float32,
    float64,
    numeric,
    bytes,
    date,
    time,
    timetz,
    timestamp,
    interval,
    uuid,
    jsonb,
    opaque,  // text format only
};

struct TypeRule {
    Oid oid;
    db::Type type;
    Decoder decoder;
    std::string_view name;  // as SQL spells it
};

// The rule of a type; for one that is not known: text of type `other`, without a name.
const TypeRule& rule_of(Oid oid) noexcept;
inline bool has_binary(const TypeRule& rule) noexcept { return rule.decoder != Decoder::opaque; }

enum class Format { text = 0, binary = 1 };

// Memory for values that are not found ready in a result: of one row. Bytes never move while the row is shown.
class Scratch {
public:
    void clear() noexcept { used_ = 0; }
    std::string& next();

private:
    std::vector<std::unique_ptr<std::string>> strings_;
    std::size_t used_ = 0;
};

// A value out of a result's bytes, which are followed by a NUL. Throws Error(corrupt) for bytes that are not of
// the type, Error(unsupported) for a date in a style that the session was set to.
db::Value decode(const TypeRule& rule, Format format, const char* data, int64_t size, Scratch& scratch);

inline int64_t big_endian_int64(const char* data) noexcept {
    uint64_t value = 0;
    std::memcpy(&value, data, sizeof value);
    return static_cast<int64_t>(__builtin_bswap64(value));
}
inline int64_t big_endian_int32(const char* data) noexcept {
    uint32_t value = 0;
    std::memcpy(&value, data, sizeof value);
    return static_cast<int32_t>(__builtin_bswap32(value));
}

// The largest value that the server takes.
constexpr int64_t value_bytes_max = (int64_t{1} << 30) - 1;

// The parameters of one execution. Memory is kept from one to the next.
class Parameters {
public:
    void resize(int32_t count);
    int32_t count() const noexcept { return static_cast<int32_t>(parameters_.size()); }
    void clear() noexcept;
    // Throws Error(limit) for a value that the server cannot take, Error(invalid_argument) for a text with a NUL
    // byte.
    static void check(int32_t index, const db::Value& value);
    // Checks it, and throws for what no text can say.
    void set(int32_t index, const db::Value& value, db::Lifetime lifetime);  // index from 0

    // Throws Error(limit) when they are more than one message to the server takes.
    void check_total() const;
    // As libpq takes them; valid until the next change.
    struct View {
        int count;
        const char* const* values;
        const int* lengths;
        const int* formats;
    };
    View view();
    // The values of one row in the text form of COPY, with its line end.
    void append_copy_row(std::string& out) const;

private:
    struct Parameter {
        enum class Kind : uint8_t { null, stored, borrowed };
        Kind kind = Kind::null;
        Format format = Format::text;
        std::string stored = {};
        std::string_view borrowed = {};
        std::string_view bytes() const noexcept { return kind == Kind::stored ? stored : borrowed; }
    };

    std::vector<Parameter> parameters_;
    std::vector<const char*> values_;
    std::vector<int> lengths_;
    std::vector<int> formats_;
};

// A value in PostgreSQL's text form, appended; not for bytes.
void append_text(std::string& out, const db::Value& value);

}  // namespace mtdb::backends::postgres
