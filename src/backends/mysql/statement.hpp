// SPDX-License-Identifier: MIT
// A statement's text with its values. It does no I/O before it runs: without parameters it is one text query, with
// parameters, or as a read that runs again in the same session, it is prepared in the tenant's database and executed,
// both in one trip where the server allows it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/mysql/connection.hpp"
#include "backends/mysql/values.hpp"
#include "db/connection.hpp"
#include "db/facts.hpp"

namespace mtdb::backends::mysql {

// An INSERT of one row of values, as what stands before its values and they themselves: "(?, NOW())".
struct Tuple {
    std::string_view head, values;
};
// None for any other statement, and where placeholders stand outside the values.
std::optional<Tuple> tuple_of(std::string_view sql, int32_t parameters);

class Statement final : public db::Statement {
public:
    // `sql` is the statement alone; `at`: where it stands in the caller's text.
    Statement(Connection& connection, std::string_view sql, const db::StatementFacts& facts, base::Position at);
    Statement(const Statement&) = delete;
    ~Statement() override;

    void settle_columns(const Wait& wait) override;
    int32_t column_count() const override { return static_cast<int32_t>(fields_.size()); }
    db::Column column(int32_t index) const override;
    bool next(const Wait& wait) override;
    db::Value value(int32_t index) const override { return values_[static_cast<std::size_t>(index)]; }
    db::Fill fill(db::BlockWriter& writer, const Wait& wait) override;

    int32_t parameter_count() const override { return static_cast<int32_t>(values_bound_.size()); }
    int32_t parameter_index(std::string_view) const override { return 0; }
    void bind(int32_t index, const db::Value& value, db::Lifetime lifetime) override;
    void clear_bindings() noexcept override;
    void set_order(const std::vector<int32_t>& order, int32_t parameters) override;

    bool read_only() const override { return facts_.read_only && impact_.plain; }
    db::Control control() const override { return facts_.control; }
    void run(const Wait& wait) override;
    std::optional<int64_t> run_rows(const db::BlockView& view, const Wait& wait) override;
    int64_t affected() const override { return affected_; }
    void reset() noexcept override;
    bool reading() const override { return state_ == State::rows; }

private:
    enum class State { idle, rows, ended };
    // What the server has of it.
    struct Remote {
        Prepared prepared;
        uint64_t epoch;
        std::string database;
    };
    enum class Step { row, end };

    Session& session() const noexcept { return connection_.session(); }
    void start(Operation& operation, const Wait& wait);
    Attempt attempt() const noexcept;
    bool is_prepared() const noexcept;
    void forget_prepared();
    bool worth_preparing() const noexcept;
    Reply run_text();
    Reply execute(Operation& operation);
    Reply execute_directly(Operation& operation, std::string& payload);
    void prepare(Operation& operation);
    void append_values(std::string& payload) const;
    const db::Value& value_at(std::size_t placeholder) const noexcept;
    std::size_t placeholders() const noexcept { return static_cast<std::size_t>(facts_.parameters); }
    void take(Operation& operation, Reply reply);
    Step step(Operation& operation);
    void end_rows(Operation& operation);
    void require_in_time(Operation& operation);
    [[noreturn]] void fail(Operation& operation, const ServerError& said);
    [[noreturn]] void stop(Operation& operation);
    void done() noexcept;
    void watch();
    bool check_watched();
    Error exchanged() const;
    RowDecoder decoder() const { return {fields_, protocol_, session().conninfo().zero_dates}; }

    bool can_run_rows(const db::BlockView& view) const noexcept;
    void check_rows(const db::BlockView& view) const;
    int32_t column_of(std::size_t placeholder) const noexcept;
    void append_row(std::string& payload, const db::BlockView& view, int32_t row) const;
    int64_t run_bulk(Operation& operation, const db::BlockView& view);
    int64_t run_tuples(Operation& operation, const db::BlockView& view);
    int64_t run_batch(Operation& operation, Command command, std::string_view payload);

    Connection& connection_;
    std::shared_ptr<Link> link_;
    std::string sql_;
    db::StatementFacts facts_;
    Impact impact_;
    base::Position at_;
    std::vector<int32_t> order_;  // the parameter of each placeholder; empty: in order
    std::vector<db::Value> values_bound_;
    std::vector<std::string> copies_;  // of bound bytes
    std::optional<Remote> remote_;
    std::optional<uint64_t> text_epoch_;  // of the last run as text whose rows are the same in binary
    bool text_only_ = false;              // the server does not prepare it

    State state_ = State::idle;
    Protocol protocol_ = Protocol::text;
    std::vector<Field> fields_;
    std::string_view packet_;
    std::vector<db::Value> values_;
    std::string store_;
    Attempt attempt_;
    bool watched_ = false;
    uint32_t steps_ = 0;
    int64_t rows_ = 0;
    int64_t affected_ = 0;
};

}  // namespace mtdb::backends::mysql
