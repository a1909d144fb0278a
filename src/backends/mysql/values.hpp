// SPDX-License-Identifier: MIT
// The server's types, and the bytes of values in its text and binary protocols.
//
//   TINYINT(1) signed             BOOL; a value other than 0 and 1 stays what it is, an INT64
//   TINYINT .. INT, YEAR          INT64, also unsigned
//   BIGINT / BIGINT UNSIGNED      INT64 / UINT64;  BIT(n): UINT64
//   DECIMAL                       DECIMAL (text);  FLOAT: FLOAT;  DOUBLE: DOUBLE
//   DATE, TIME, DATETIME          DATE, TIME (a duration), TIMESTAMP
//   TIMESTAMP                     TIMESTAMPTZ: the session's time zone is +00:00
//   CHAR, VARCHAR, TEXT, ENUM, SET   TEXT;  BINARY, VARBINARY, BLOB, GEOMETRY: BYTES
//   JSON                          JSON;  UUID: UUID;  INET4, INET6 and what is not known: OTHER
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "backends/mysql/conninfo.hpp"
#include "db/block.hpp"
#include "db/connection.hpp"
#include "db/value.hpp"

namespace mtdb::backends::mysql {

enum class Protocol { text, binary };

// How a column's bytes are read.
enum class Reading : uint8_t {
    null,
    integer,
    unsigned_integer,
    boolean,
    real32,
    real64,
    date,
    time,
    timestamp,
    bytes,
    bit,
    uuid
};

struct Field {
    std::string name;
    std::string declared;
    db::Type type = db::Type::text;
    Reading reading = Reading::bytes;
    uint8_t width = 0;  // bytes of a value of fixed size in the binary protocol; 0: it has a length
    int32_t nullable = -1;
    bool rounded = false;  // its text says less than its binary form
};

// Reads forward in one packet; throws Error(io) at what is cut short.
class PacketReader {
public:
    explicit PacketReader(std::string_view packet) : at_(packet.data()), end_(at_ + packet.size()) {}
    std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }
    const char* at() const noexcept { return at_; }
    uint64_t fixed(std::size_t bytes);  // little-endian
    uint64_t length();                  // length-encoded
    std::string_view text();            // length-encoded
    std::string_view bytes(std::size_t size);
    void skip(std::size_t size) { bytes(size); }

private:
    const char* at_;
    const char* end_;
};

// Of a column definition packet.
Field field_of(std::string_view packet);

// Decodes rows. Errors: Error(io) for bytes that make no sense, Error(limit) for a zero date with
// ZeroDates::error.
class RowDecoder {
public:
    RowDecoder(const std::vector<Field>& fields, Protocol protocol, ZeroDates zero_dates)
        : fields_(&fields), protocol_(protocol), zero_dates_(zero_dates) {}
    // Into the writer's present row.
    void put(std::string_view row, db::BlockWriter& writer) const;
    // Into values that live as long as the packet; its bytes change: text is NUL-terminated in place, for which
    // there must be one writable byte behind the packet.
    void decode(char* row, std::size_t size, std::vector<db::Value>& values, std::string& store) const;

private:
    const std::vector<Field>* fields_;
    Protocol protocol_;
    ZeroDates zero_dates_;
};

// ---- parameters

// The type code of a value, with the unsigned flag in the high byte.
uint16_t parameter_type(const db::Value& value);
// Appends the value as the binary protocol has it; not for NULL. Throws Error(limit) for what the server cannot
// hold.
void append_parameter(std::string& out, const db::Value& value);
// An upper bound of what append_parameter() appends.
std::size_t parameter_size(const db::Value& value) noexcept;

void append_fixed(std::string& out, uint64_t value, std::size_t bytes);
void append_length(std::string& out, uint64_t length);

}  // namespace mtdb::backends::mysql
