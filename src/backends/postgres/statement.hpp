// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/postgres/connection.hpp"
#include "backends/postgres/values.hpp"
#include "db/connection.hpp"
#include "db/facts.hpp"

namespace mtdb::backends::postgres {

// One statement's text. Making it asks the server nothing: it is prepared there by the flight that runs it for the
// second time.
class Statement final : public db::Statement {
public:
    Statement(Connection& connection, std::string_view sql, db::StatementFacts facts);
    Statement(const Statement&) = delete;
    ~Statement() override;

    void settle_columns(const Wait& wait) override;
    int32_t column_count() const override { return static_cast<int32_t>(columns_.size()); }
    db::Column column(int32_t index) const override;
    bool next(const Wait& wait) override;
    db::Value value(int32_t index) const override;
    db::Fill fill(db::BlockWriter& writer, const Wait& wait) override;

    int32_t parameter_count() const override { return facts_.parameters; }
    int32_t parameter_index(std::string_view name) const override;
    void bind(int32_t index, const db::Value& value, db::Lifetime lifetime) override;
    void clear_bindings() noexcept override { parameters_.clear(); }

    bool read_only() const override { return facts_.read_only; }
    db::Control control() const override { return facts_.control; }
    void run(const Wait& wait) override;
    std::optional<int64_t> run_rows(const db::BlockView& rows, const Wait& wait) override;
    int64_t affected() const override { return affected_; }
    void reset() noexcept override;
    bool reading() const override { return state_ == State::reading; }

private:
    friend class Connection;
    enum class State : uint8_t { idle, reading, ended };
    struct ColumnFacts {
        std::string name;
        const TypeRule* rule;
        Oid oid;
        mutable std::string user_type = {};  // asked for once
    };

    // For the connection, as it builds and reads a flight.
    void queue();          // prepare if need be, and execute
    void queue_prepare();  // if need be
    void queue_row();      // execute with the present parameters, of many
    void take_first(ResultHandle result, const Wait& wait);
    void forget(bool still_there) noexcept;  // at the server
    bool was_prepared_before() const noexcept { return !fresh_; }

    void start(const Wait& wait);
    bool advance(const Wait& wait);  // to the next row
    bool to_row(const Wait& wait);
    void take_columns(const PGresult* result);
    void take_end(const PGresult* result);
    [[noreturn]] void end_stopped(const Wait& wait);
    void check_commit() const;
    bool writes_without_rows() const noexcept;
    db::Value cell(int32_t index) const;
    void put_cell(db::BlockWriter& writer, int32_t index) const;
    bool worth_a_name() const noexcept;
    const std::string& insert_target();

    Connection& connection_;
    const std::shared_ptr<Names> names_;
    const std::string sql_;
    const db::StatementFacts facts_;
    const bool prepares_;       // by SQL, what is not ours
    const bool uses_prepared_;  // or may find such
    const bool mentions_listen_;
    const bool may_commit_;        // a procedure, or a block that may call one, outside a transaction
    const bool holds_;             // may take a lock that the session keeps
    const bool discards_all_;  // DISCARD ALL runs in no transaction block
    // Of a plain INSERT ("t (a, b)"), looked for when rows of a block first come; empty: it is none.
    std::optional<std::string> insert_target_;
    Parameters parameters_;
    std::string name_;   // at the server; empty: not prepared
    bool made_ = false;  // it is prepared there
    uint32_t epoch_ = 0;
    uint32_t shape_epoch_ = 0;
    bool fresh_ = true;  // prepared by the flight under way
    bool ran_ = false;
    int64_t batch_flight_ = -1;  // the trip in which a batch prepared it, or found it prepared
    Format format_ = Format::text;
    State state_ = State::idle;
    bool first_ = false;    // row_ is the first row and was not given out yet
    bool settled_ = false;  // run by settle_columns(), and without rows
    uint32_t steps_ = 0;
    ResultHandle row_;
    std::vector<ColumnFacts> columns_;
    mutable Scratch scratch_;
    std::vector<db::Value> values_;  // of the row that next() gave: value() cannot fail
    int64_t affected_ = 0;
    std::string tag_;  // of the last answer
};

}  // namespace mtdb::backends::postgres
