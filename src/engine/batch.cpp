// SPDX-License-Identifier: MIT
#include "engine/batch.hpp"

#include <algorithm>
#include <deque>
#include <unordered_map>

#include "db/facts.hpp"
#include "engine/conn.hpp"
#include "engine/db.hpp"
#include "engine/table_rows.hpp"

namespace mtdb::engine {
namespace {

// Of statements that commit what is open, where DDL does.
bool commits_by_itself(const db::StatementFacts& facts) {
    constexpr std::string_view verbs[] = {"ALTER",  "ANALYZE",  "CREATE",   "DROP",
                                          "FLUSH",  "GRANT",    "LOCK",     "RENAME",
                                          "REPAIR", "OPTIMIZE", "TRUNCATE", "REVOKE"};
    if (facts.session && facts.verb == "CREATE") return false;  // TEMPORARY
    return std::find(std::begin(verbs), std::end(verbs), facts.verb) != std::end(verbs);
}

}  // namespace

void Batch::add(std::string_view sql, std::string_view block) {
    if (!block.empty() &&
        db::BlockView::parse(block.data(), static_cast<int64_t>(block.size())).rows() != 1)
        throw Error(Code::invalid_argument, "a statement of a batch takes one row of parameters");
    entries_.push_back({std::string(sql), std::string(block)});
}

// A batch while it runs: inside the conn.
class Conn::BatchRun {
public:
    BatchRun(Conn& conn, const Batch& batch, const Wait& wait)
        : conn_(conn),
          entries_(batch.entries()),
          wait_(wait),
          uses_of_(entries_.size()),
          items_(entries_.size()) {}
    BatchRun(const BatchRun&) = delete;
    ~BatchRun() {
        for (Use& use : uses_) conn_.end_use(use);
    }

    void run() {
        if (entries_.empty()) return;
        views_.reserve(entries_.size());
        for (std::size_t i = 0; i < entries_.size(); ++i) numbered(i, [&] { get_ready(i); });
        for (const db::BatchItem& item : items_)
            if (item.statement != nullptr) conn_.before(*item.statement, wait_);
        conn_.tracked(db::Control::none, [&] {
            if (!run_at_once()) run_one_by_one();
        });
    }

    std::unique_ptr<TableRows> rows() const {
        auto table = std::make_unique<TableRows>(
            std::vector<TableRows::Heading>{{"statement", "INT64", db::Type::int64},
                                            {"affected", "INT64", db::Type::int64},
                                            {"insert_id", "INT64", db::Type::int64}});
        int64_t number = 0;
        for (const db::BatchItem& item : items_) {
            table->add_integer(++number);
            table->add_integer(item.affected);
            table->add_integer(item.insert_id);
        }
        return table;
    }
    int64_t affected() const {
        int64_t total = 0;
        for (const db::BatchItem& item : items_) total += item.affected;
        return total;
    }
    int64_t insert_id() const {
        int64_t last = 0;
        for (const db::BatchItem& item : items_)
            if (item.insert_id != 0) last = item.insert_id;
        return last;
    }

private:
    template <class Work>
    static void numbered(std::size_t index, Work&& work) {
        try {
            work();
        } catch (const Error& error) {
            throw error.with_statement(static_cast<int64_t>(index) + 1);
        }
    }

    // What can be known of a statement before anything runs. Where a text is compiled at once, one
    // that does not compile may need what an earlier one makes: it gets another chance at its turn.
    void get_ready(std::size_t index) {
        const Batch::Entry& entry = entries_[index];
        const int64_t size = static_cast<int64_t>(entry.block.size());
        views_.push_back(size == 0 ? db::BlockView{}
                                   : db::BlockView::parse(entry.block.data(), size));
        if (size > 0) items_[index].parameters = &views_.back();
        try {
            compile(index);
        } catch (const Error& error) {
            if (conn_.shared_ || index == 0 || error.code() != Code::sql_error) throw;
        }
    }

    void compile(std::size_t index) {
        const std::string_view sql = entries_[index].sql;
        Use*& known = by_text_[sql];
        if (known == nullptr) {
            uses_.emplace_back();
            try {
                conn_.compile(uses_.back(), sql, wait_);
            } catch (...) {
                by_text_.erase(sql);
                uses_.pop_back();
                throw;
            }
            known = &uses_.back();
        }
        check(*known, items_[index].parameters);
        uses_of_[index] = known;
        items_[index].statement = &known->statement();
    }

    void check(const Use& use, const db::BlockView* parameters) const {
        const db::Statement& statement = use.statement();
        if (statement.control() != db::Control::none)
            throw Error(Code::invalid_argument,
                        "a statement that controls the transaction does not go into a batch");
        const db::Dialect& dialect = conn_.db_->dialect();
        if (!dialect.transactional_ddl &&
            commits_by_itself(db::facts_of(use.compiled->sql, dialect.lexis)))
            throw Error(
                Code::invalid_argument,
                "a statement that commits by itself, as DDL does here, does not go into a batch");
        if (parameters != nullptr)
            conn_.check_parameters(statement, *parameters);
        else if (statement.parameter_count() > 0)
            throw Error(Code::invalid_argument, "the statement's parameters are not given");
        conn_.check_may_write(statement);
    }

    bool run_at_once() {
        for (const db::BatchItem& item : items_)
            if (item.statement == nullptr) return false;
        try {
            return conn_.connection().run_batch(items_, wait_);
        } catch (const Error& error) {
            if (error.statement() < 1) throw;
            throw conn_.in_caller_text(
                error, *uses_of_.at(static_cast<std::size_t>(error.statement()) - 1)->compiled);
        }
    }

    void run_one_by_one() {
        db::Connection& connection = conn_.connection();
        const bool nested = connection.in_transaction();
        const bool writes =
            std::any_of(items_.begin(), items_.end(), [](const db::BatchItem& item) {
                return item.statement == nullptr || !item.statement->read_only();
            });
        if (writes && !conn_.options_.read_only && conn_.db_->dialect().single_writer)
            conn_.lease_.take_turn(wait_);
        if (nested)
            connection.savepoint(block_savepoint);
        else
            connection.begin({.read_only = conn_.options_.read_only, .immediate = writes}, wait_);
        try {
            for (std::size_t i = 0; i < items_.size(); ++i) numbered(i, [&] { run_one(i); });
            if (nested)
                connection.release_savepoint(block_savepoint);
            else
                connection.commit(wait_);
            if (writes) conn_.confirm_place();
        } catch (const Error& error) {
            if (!undo(nested)) throw;
            throw error.with_effect(nested ? Effect::none : Effect::rolled_back);
        } catch (const std::bad_alloc&) {
            undo(nested);
            throw;
        }
    }

    void run_one(std::size_t index) {
        db::BatchItem& item = items_[index];
        if (item.statement == nullptr) compile(index);
        conn_.before(*item.statement, wait_);
        conn_.placed(*uses_of_[index], [&] {
            if (item.parameters != nullptr) item.statement->bind_row(*item.parameters, 0);
            item.statement->run(wait_);
        });
        if (!conn_.connection().in_transaction())
            throw Error(Code::tx_lost, "the statement ended the transaction that the batch ran in")
                .with_effect(Effect::unknown);
        item.affected = item.statement->affected();
        if (!item.statement->read_only()) item.insert_id = conn_.connection().insert_id();
    }

    // False: the failure itself ended the transaction.
    bool undo(bool nested) {
        for (Use& use : uses_) {
            use.statement().reset();
            use.statement().clear_bindings();
        }
        if (nested) return conn_.undo_savepoint();
        if (!conn_.connection().in_transaction()) return false;
        conn_.connection().rollback();
        return true;
    }

    Conn& conn_;
    const std::vector<Batch::Entry>& entries_;
    const Wait& wait_;
    std::deque<Use> uses_;  // never moved: the conn lists them
    std::unordered_map<std::string_view, Use*> by_text_;
    std::vector<db::BlockView> views_;
    std::vector<const Use*> uses_of_;  // of each item
    std::vector<db::BatchItem> items_;
};

Ref<Result> Conn::exec_batch(const Batch& batch, const Wait& wait) {
    return entered([&] {
        return on_living(wait, [&] {
            check_usable();
            BatchRun batch_run(*this, batch, wait);
            batch_run.run();
            Ref<Result> result = make_dependent(result_room_, Ref<Counted>::share(this));
            struct Undo {  // still inside: the result must not enter again to end
                Result* result;
                ~Undo() {
                    if (result != nullptr) result->end();
                }
            } undo{result.get()};
            result->kept_ = batch_run.rows();
            result->wait_ = wait;
            result->affected_ = batch_run.affected();
            result->insert_id_ = batch_run.insert_id();
            if (result->insert_id_ != 0) insert_id_ = result->insert_id_;
            undo.result = nullptr;
            return result;
        });
    });
}

}  // namespace mtdb::engine
