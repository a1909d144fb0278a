// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "backends/echo/connection.hpp"

namespace mtdb::backends::echo {

class Statement final : public db::Statement {
public:
    Statement(Session& session, Command command);

    int32_t column_count() const override { return static_cast<int32_t>(names_.size()); }
    db::Column column(int32_t index) const override;
    bool next(const Wait& wait) override;
    db::Value value(int32_t index) const override {
        return row_[static_cast<std::size_t>(index)].value();
    }

    int32_t parameter_count() const override { return command_.parameters; }
    int32_t parameter_index(std::string_view name) const override;
    void bind(int32_t index, const db::Value& value, db::Lifetime lifetime) override;
    void clear_bindings() noexcept override;
    bool read_only() const override { return command_.verb != Verb::write; }
    db::Control control() const override;
    void run(const Wait& wait) override;
    int64_t affected() const override { return affected_; }
    void reset() noexcept override;
    bool reading() const override { return stage_ == Stage::reading; }

private:
    enum class Stage { fresh, reading, done };
    void name_columns();
    void start(const Wait& wait);
    bool step(const Wait& wait);
    void make_row();
    [[noreturn]] void fail();
    const Operand& resolved(const Operand& operand) const;
    int64_t number(const Operand& operand, const char* what, int64_t max) const;

    Session& session_;
    const Command command_;
    std::vector<std::string> names_;  // of the columns
    std::vector<Operand> bound_;
    std::vector<Operand> row_;
    Stage stage_ = Stage::fresh;
    int64_t at_ = 0;    // rows made
    int64_t rows_ = 0;  // rows to make
    int64_t pause_ms_ = 0;
    int64_t affected_ = 0;
};

}  // namespace mtdb::backends::echo
