// SPDX-License-Identifier: MIT
#pragma once

#include <sqlite3.h>

#include "backends/sqlite/connection.hpp"
#include "db/connection.hpp"

namespace mtdb::backends::sqlite {

// What is known of a statement beyond what SQLite tells.
struct Nature {
    db::Control control = db::Control::none;
    bool writes_unseen = false;    // although SQLite calls it read-only
    bool held_back = false;        // a pragma that does nothing until it is prepared again
    bool calls_functions = false;  // whose single call may take long
};

class Statement final : public db::Statement {
public:
    // Takes `statement`; the connection must outlive every call but the destructor.
    Statement(Connection& connection, sqlite3_stmt* statement, const Nature& nature) noexcept;
    Statement(const Statement&) = delete;
    ~Statement() override;

    // Steps to the first row: a schema that changed since has then been seen.
    void settle_columns(const Wait& wait) override;
    int32_t column_count() const override { return sqlite3_column_count(statement_); }
    db::Column column(int32_t index) const override;
    bool next(const Wait& wait) override;
    db::Value value(int32_t index) const override;
    db::Fill fill(db::BlockWriter& writer, const Wait& wait) override;

    int32_t parameter_count() const override { return parameters_; }
    int32_t parameter_index(std::string_view name) const override;
    void bind(int32_t index, const db::Value& value, db::Lifetime lifetime) override;
    void bind_row(const db::BlockView& view, int32_t row) override;
    void clear_bindings() noexcept override { sqlite3_clear_bindings(statement_); }

    bool read_only() const override { return read_only_; }
    db::Control control() const override { return control_; }
    void run(const Wait& wait) override;
    int64_t affected() const override { return affected_; }
    void reset() noexcept override;
    bool reading() const override { return running_ && sqlite3_stmt_busy(statement_) != 0; }

private:
    enum class Step { row, end };

    void start(const Wait& wait);
    Step step(const Wait& wait);  // within an operation
    void end_or_throw(int result, const Wait& wait);
    void finish() noexcept;
    bool stale(const Wait& wait) const;
    void set_running(bool running) noexcept;
    int32_t checked_columns(const db::BlockWriter& writer);  // throws Error(serialization) when
                                                             // they are not the writer's
    void check_bindable() const;
    void bind_checked(int32_t index, const db::Value& value, db::Lifetime lifetime);
    [[noreturn]] void refuse_length(int32_t index, int64_t size) const;
    int bind_converted(int32_t index, const db::Value& value, db::Lifetime lifetime);
    int bind_value(int32_t index, const db::Value& value, db::Lifetime lifetime);
    int bind_text(int32_t index, std::string_view text, sqlite3_destructor_type lifetime);
    bool put_row(db::BlockWriter& writer, int32_t columns) const noexcept;

    Connection& connection_;
    sqlite3_stmt* statement_;
    int32_t parameters_;
    db::Control control_;
    bool read_only_;
    bool held_back_;
    uint32_t look_mask_;    // of steps_: a look at the deadline when none of its bits is left
    bool ended_ = false;    // the rows were read to their end
    bool running_ = false;  // counted by the connection
    bool pending_ = false;  // the present row did not fit into the last block
    uint32_t steps_ = 0;
    int64_t affected_ = 0;
    Attempt attempt_;
};

}  // namespace mtdb::backends::sqlite
