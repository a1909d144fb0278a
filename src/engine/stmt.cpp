// SPDX-License-Identifier: MIT
// A prepared statement in a program's hands.
#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "engine/conn.hpp"
#include "engine/db.hpp"

namespace mtdb::engine {

Ref<Stmt> Stmt::prepare(Conn& conn, std::string_view sql, const Wait& wait) {
    return conn.entered([&] {
        conn.check_usable();
        Ref<Stmt> stmt = conn.make_dependent(conn.stmt_room_, Ref<Counted>::share(&conn));
        conn.compile(stmt->use_, sql, wait);
        return stmt;
    });
}

void Stmt::end() noexcept {
    if (use_.compiled != nullptr) conn_->end_use(use_);
}

void Stmt::check_open() const {
    if (use_.compiled == nullptr) throw Error(Code::closed, "the statement was closed");
}

void Stmt::check_idle() const {
    check_open();
    if (use_.statement().reading())
        throw Error(Code::invalid_state,
                    "the statement's rows are still being read: close the result first");
}

int32_t Stmt::parameter_count() {
    return conn_->entered([&] {
        check_open();
        return use_.statement().parameter_count();
    });
}

int32_t Stmt::parameter_index(std::string_view name) {
    return conn_->entered([&] {
        check_open();
        int32_t index = 0;
        if (use_.compiled->portable) {
            const std::string_view bare =
                !name.empty() && name.front() == ':' ? name.substr(1) : name;
            const auto& names = use_.compiled->names;
            const auto found =
                bare.empty() ? names.end() : std::find(names.begin(), names.end(), bare);
            index = found == names.end() ? 0 : static_cast<int32_t>(found - names.begin()) + 1;
        } else {
            index = use_.statement().parameter_index(name);
        }
        if (index == 0)
            throw Error(Code::not_found,
                        "the statement has no parameter '" + base::excerpt(name) + "'");
        return index;
    });
}

void Stmt::bind(int32_t index, const db::Value& value) {
    return conn_->entered([&] {
        check_idle();
        if (index < 1 || index > use_.statement().parameter_count())
            throw Error(Code::invalid_argument,
                        "parameter " + std::to_string(index) + " is not between 1 and " +
                            std::to_string(use_.statement().parameter_count()));
        use_.statement().bind(index, value, db::Lifetime::copied);
    });
}

void Stmt::bind_block(const void* data, int64_t size) {
    return conn_->entered([&] {
        check_idle();
        const db::BlockView view = db::BlockView::parse(data, size);
        conn_->check_parameters(use_.statement(), view);
        const auto* bytes = static_cast<const char*>(data);
        block_.assign(bytes, bytes + size);
    });
}

void Stmt::clear() {
    return conn_->entered([&] {
        check_idle();
        use_.statement().clear_bindings();
        block_.clear();
    });
}

Ref<Result> Stmt::execute(const Wait& wait, Ref<Cancel> cancel) {
    return conn_->entered([&] {
        check_open();
        conn_->check_usable();
        db::Statement& statement = use_.statement();
        conn_->forget_open_rows(use_.compiled);
        statement.reset();
        conn_->show(use_, false);
        ++executions_;
        const bool reads = block_.empty() && statement.read_only() &&
                           statement.control() == db::Control::none;
        // Rows that were read already do not keep the statement.
        Ref<Result> result = conn_->make_dependent(
            conn_->result_room_, reads ? Ref<Counted>::share(this) : Ref<Counted>::share(conn_));
        struct Undo {
            Result* result;
            ~Undo() {
                if (result != nullptr) result->end();
            }
        } undo{result.get()};
        result->wait_ = wait;
        result->cancel_ = std::move(cancel);
        if (!block_.empty()) {
            const std::vector<char> block = std::exchange(block_, {});
            const db::BlockView view = db::BlockView::parse(block.data(), static_cast<int64_t>(block.size()));
            result->affected_ = conn_->placed(use_, [&] { return conn_->run_rows(statement, view, wait); });
            result->insert_id_ = conn_->connection().insert_id();
            result->done_ = result->rowless_ = true;
        } else if (reads) {
            conn_->before(statement, wait);
            conn_->placed(use_, [&] { conn_->read([&] { statement.settle_columns(wait); }); });
            result->stmt_ = this;
            result->execution_ = executions_;
            result->conn_guards_ = true;
            if (!conn_->db_->dialect().concurrent_results) conn_->open_rows(*result);
        } else {
            result->kept_ = conn_->placed(use_, [&] { return conn_->run_returning(statement, wait); });
            result->affected_ = statement.affected();
            result->insert_id_ = conn_->connection().insert_id();
            statement.reset();
            if (result->kept_ == nullptr) result->done_ = result->rowless_ = true;
        }
        undo.result = nullptr;
        return result;
    });
}

void Stmt::close() {
    if (!conn_->enter_for_use()) return;
    end();
    conn_->leave();
}

}  // namespace mtdb::engine
