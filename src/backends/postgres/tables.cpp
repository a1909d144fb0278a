// SPDX-License-Identifier: MIT
// Whole tables by COPY, as many as wished in one trip: the server opens each, and plans nothing.
#include <algorithm>
#include <exception>
#include <string>

#include "backends/postgres/connection.hpp"
#include "base/error.hpp"

namespace mtdb::backends::postgres {
namespace {

char unescaped(char letter) {
    switch (letter) {
        case 'b':
            return '\b';
        case 'f':
            return '\f';
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 't':
            return '\t';
        case 'v':
            return '\v';
        default:
            return letter;
    }
}

// The fields of one line of COPY's text format.
class Line {
public:
    // Views into this, until the next call.
    std::span<const db::Value> split(std::string_view line) {
        if (line.ends_with('\n')) line.remove_suffix(1);
        text_.clear();
        text_.reserve(2 * line.size() + 1);  // it never moves: a NUL more per field, and a field has a tab
        fields_.clear();
        std::size_t begin = 0;
        bool null = false;
        for (std::size_t i = 0; i <= line.size(); ++i) {
            if (i == line.size() || line[i] == '\t') {
                const std::string_view field = std::string_view(text_).substr(begin);
                fields_.push_back(null ? db::Value::null() : db::Value::text(field));
                text_ += '\0';
                begin = text_.size();
                null = false;
            } else if (line[i] != '\\') {
                text_ += line[i];
            } else if (++i < line.size()) {
                null = line[i] == 'N';  // a letter N is never escaped
                if (!null) text_ += unescaped(line[i]);
            }
        }
        return fields_;
    }

private:
    std::string text_;
    std::vector<db::Value> fields_;
};

}  // namespace

// Gives each row of one table to `on_row`, until it throws: the rest is read all the same.
void Connection::read_table(std::size_t table, const db::TableRow& on_row, std::exception_ptr& refused,
                            const Wait& wait) {
    Line line;
    char* data = nullptr;
    for (int size; (size = next_copy(&data, wait)) >= 0;) {
        const std::unique_ptr<char, void (*)(void*)> row(data, [](void* bytes) { libpq().PQfreemem(bytes); });
        if (refused || stop_) continue;
        try {
            on_row(table, line.split({data, static_cast<std::size_t>(size)}));
        } catch (...) {
            refused = std::current_exception();
        }
    }
}

bool Connection::read_tables(std::span<const std::string> tables, const db::TableRow& on_row, const Wait& wait) {
    check_ready(wait);
    if (tables.empty()) return true;
    std::string sql;
    for (const std::string& table : tables) sql += "COPY " + table + " TO STDOUT;";
    std::exception_ptr refused;
    for (int tries = 0; !copy_tables(sql, on_row, refused, wait); ++tries)
        if (!may_resend_script() || tries > 0) throw_failure();
    if (refused) std::rethrow_exception(refused);
    return true;
}

// False: the session stood elsewhere, and nothing was read.
bool Connection::copy_tables(std::string_view sql, const db::TableRow& on_row, std::exception_ptr& refused,
                             const Wait& wait) {
    place_copy(wait);
    const Prefix prefix = copy_prefix();
    leave_pipeline();
    MidCopy middle(*link_);
    send_simple(prefix.text, sql, false, wait);
    int32_t guards = prefix.statements;  // that have not answered yet
    std::size_t table = 0;
    while (const ResultHandle result = get(wait)) {
        const ExecStatusType status = pq_.PQresultStatus(result.get());
        if (status == PGRES_COPY_OUT)
            read_table(table++, on_row, refused, wait);
        else if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE)
            note_failure(Part::execute, result.get());
        else
            guards = std::max(guards - 1, 0);
    }
    middle.ended();
    const std::optional<Error> reason = stop_ ? std::optional(stop_->reason) : std::nullopt;
    enter_pipeline();
    flight_done();
    if (failure_ && guards > 0 && failure_->sqlstate == state::guard_failed) return false;
    if (failure_) throw_failure();
    if (reason) throw *reason;
    return true;
}

}  // namespace mtdb::backends::postgres
