// SPDX-License-Identifier: MIT
// The table mtdb_migration: who is at work where nothing undoes a script, and how far it came. One row; without it a
// script that broke off is a person's to judge, as with the tools.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "db/backend.hpp"
#include "migrate/act.hpp"
#include "migrate/lock.hpp"
#include "migrate/script.hpp"

namespace mtdb::migrate {

// What the row says.
struct JournalRow {
    int64_t epoch = 0;   // one more with each holder
    std::string holder;  // its session as others can see it; empty: nobody
    bool expired = false;
    std::string script;  // empty: none is under way
    std::string direction;
    int64_t target = 0;     // the rank of the history's row, or the version that golang-migrate's is to have
    int64_t statement = 0;  // from 1; 0: none was begun
    std::string stage;      // of it: "started", "done"
    int64_t hash_before = 0, hash_statement = 0;
    std::string evidence;  // before it started
};

// Where a script that broke off goes on.
struct Continuation {
    std::size_t first = 0;             // piece; all of them are done when it is their count
    std::vector<std::size_t> repeated;  // what these set in the session is gone, and is set again
};

using OpenSecond = std::function<std::shared_ptr<db::Connection>(const Wait& wait)>;

class Journal {
public:
    // How long a holder that says nothing counts as alive where no lock tells.
    static constexpr base::milliseconds standard_term{30000};

    Journal(db::Connection& connection, const db::Dialect& dialect, Lock& lock,
            base::milliseconds term = standard_term)
        : connection_(connection), dialect_(dialect), lock_(lock), term_(term) {}
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;
    ~Journal() { stop_renewing(); }

    std::optional<JournalRow> read(const Wait& wait);

    // Where definitions commit by themselves: before the transaction that is to write.
    void create(HistoryView& view, const Wait& wait);
    // The row is ours from here on: in the transaction that marks the history. The lock is held. Throws
    // Error(migration_locked) while the last holder may be alive.
    void take(const std::string& script, std::string_view direction, int64_t target, const Wait& wait);
    // In the same transaction: the script's first statement counts as started with it, where what can be seen tells
    // whether it was done. Saves a commit.
    void foresee(std::string_view sql, const Wait& wait);
    // The same as take() for a script that broke off: what the row says of it stays.
    void take_over(const JournalRow& left, const Wait& wait);
    // Renews the row on a second connection until finish() or let_go(): opened now, or once it is time to renew. Where
    // none is to be had, the lock of the session alone says that we are alive.
    enum class Reserve { now, late };
    void renew_with(OpenSecond open, Reserve reserve, const Wait& wait);
    // In the transaction that turns the history: nothing is under way any more.
    void finish(const Wait& wait);
    // After a failure: the row keeps what it says, without a holder.
    void let_go() noexcept;

    // Where `body`, which broke off as `left` says, goes on. Throws Error(migration_dirty) where that cannot be known.
    Continuation continuation(const JournalRow& left, const Body& body, const Wait& wait);
    // The pieces before `first` have run already, in an earlier session.
    void skip(const Body& body, std::size_t first);
    // Runs statement `number` (from 1) through `run`, outside a transaction, and says so before and after. Waits for
    // locks of others are tried again.
    void run(std::string_view sql, int64_t number, const std::function<void()>& run, const Wait& wait);

private:
    void run_once(const Act& act, std::string_view sql, int64_t number, const std::function<void()>& run,
                  const Wait& wait);
    void begin_index(const Act& act, const Wait& wait);
    void note(int64_t number, std::string_view stage, std::string_view sql, std::string_view evidence,
              const Wait& wait);
    void require_gone(const JournalRow& left, const Wait& wait);
    std::optional<bool> cell(const std::string& query, int32_t column, const Wait& wait);
    std::unique_ptr<db::Statement> prepared(const std::string& text, const Wait& wait);
    std::string ahead() const;
    void run_fenced(db::Statement& statement, const Wait& wait);
    void renew_until_stopped() noexcept;
    void stop_renewing() noexcept;
    void require_safe(const Body& body, std::size_t first, const Wait& wait);

    db::Connection& connection_;
    const db::Dialect& dialect_;
    Lock& lock_;
    const base::milliseconds term_;
    int64_t epoch_ = 0;  // 0: the row is not ours
    uint64_t hash_ = 0;  // over the statements before the present one
    bool foreseen_ = false;
    bool blind_ = false;  // the script has locked tables: the row cannot be reached
    std::unique_ptr<db::Statement> note_;

    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    CancelToken cancel_;
    OpenSecond open_second_;
    std::shared_ptr<db::Connection> second_;
    std::thread renewer_;
};

}  // namespace mtdb::migrate
