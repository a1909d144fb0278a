// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "backends/postgres/connection.hpp"
#include "db/connection.hpp"
#include "db/facts.hpp"

namespace mtdb::backends::postgres {

// COPY ... TO STDOUT: one column, a row per message of the server's. COPY ... FROM STDIN: one
// parameter, whose bytes are sent as they are, row after row of a block.
class CopyStatement final : public db::Statement {
public:
    CopyStatement(Connection& connection, std::string_view sql, db::StatementFacts facts,
                  CopyWay way);
    CopyStatement(const CopyStatement&) = delete;
    ~CopyStatement() override;

    void settle_columns(const Wait& wait) override;
    int32_t column_count() const override { return way_ == CopyWay::out ? 1 : 0; }
    db::Column column(int32_t index) const override;
    bool next(const Wait& wait) override;
    db::Value value(int32_t index) const override;

    int32_t parameter_count() const override { return way_ == CopyWay::in ? 1 : 0; }
    int32_t parameter_index(std::string_view name) const override;
    void bind(int32_t index, const db::Value& value, db::Lifetime lifetime) override;
    void clear_bindings() noexcept override { data_.reset(); }

    bool read_only() const override { return way_ == CopyWay::out && !writes_; }
    db::Control control() const override { return db::Control::none; }
    void run(const Wait& wait) override;
    std::optional<int64_t> run_rows(const db::BlockView& rows, const Wait& wait) override;
    int64_t affected() const override { return affected_; }
    void reset() noexcept override;
    bool reading() const override { return state_ == State::reading; }

private:
    friend class Connection;
    enum class State : uint8_t { idle, reading, ended };
    struct FreeRow {
        void operator()(char* row) const noexcept { libpq().PQfreemem(row); }
    };

    void start(const Wait& wait);
    void feed(const Wait& wait);
    bool advance(const Wait& wait);

    Connection& connection_;
    const std::shared_ptr<Names> names_;
    const std::string sql_;
    const db::StatementFacts facts_;
    const CopyWay way_;
    const bool writes_;  // a COPY TO of what a writing statement returns
    bool binary_;        // a guess until it runs
    const bool other_encoding_;
    std::optional<std::string> data_;  // of a single row
    State state_ = State::idle;
    bool first_ = false;    // row_ is the first one and was not given out yet
    bool settled_ = false;  // run by settle_columns()
    uint32_t steps_ = 0;
    std::unique_ptr<char, FreeRow> row_;
    int row_size_ = 0;
    int64_t affected_ = 0;
};

}  // namespace mtdb::backends::postgres
