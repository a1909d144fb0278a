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
    bool of_this_row = true;  // of the history: another run's failure is not this one's
};

using OpenSecond = std::function<std::shared_ptr<db::Connection>(const Wait& wait)>;

class Journal {
public:
    // How long a holder that says nothing counts as alive where no lock tells.
    static constexpr base::milliseconds standard_term{30000};

    Journal(db::Connection& connection, const db::Dialect& dialect, const HistoryTexts& texts, Lock& lock,
            base::milliseconds term = standard_term)
        : connection_(connection), dialect_(dialect), texts_(texts), lock_(lock), term_(term) {}
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;
    ~Journal() { stop_renewing(); }

    std::optional<JournalRow> read(Format format, const Wait& wait);

    // Where definitions commit by themselves: before the transaction that is to write.
    void create(HistoryView& view, const Wait& wait);
    // Nobody else takes or writes the row until the transaction ends: first in the one that marks the history, so that
    // what is read afterwards stays. The lock is held. Throws Error(migration_locked) while the last holder may be
    // alive.
    void claim(const Wait& wait);
    // The row is ours from here on, about the history's row as it is now.
    void take(Format format, const std::string& script, std::string_view direction, int64_t target, const Wait& wait);
    // In the same transaction: the script's first statement counts as started with it, where what can be seen tells
    // whether it was done. Saves a commit.
    void foresee(std::string_view sql, const Wait& wait);
    // The same as both for a script that broke off: what the row says of it stays.
    void take_over(const JournalRow& left, const Wait& wait);
    // Renews the row on a second connection until finish() or let_go(): opened now, or once it is time to renew. Where
    // none is to be had, the lock of the session alone says that we are alive.
    enum class Reserve { now, late };
    void renew_with(OpenSecond open, Reserve reserve, const Wait& wait);
    // In the transaction that turns the history: nothing is under way any more.
    void finish(const Wait& wait);
    // The history was put right by hand: what the row says of a script counts no more.
    void forget(const Wait& wait);
    // After a failure: the row keeps what it says, without a holder.
    void let_go() noexcept;

    // The piece where `body`, which broke off as `left` says, goes on; all of them are done when it is their count.
    // `set_again` runs those that set what later ones need. Throws Error(migration_dirty) where that cannot be known.
    using RunPiece = std::function<void(std::size_t index)>;
    std::size_t continuation(const JournalRow& left, const Body& body, const RunPiece& set_again, const Wait& wait);
    void stop_renewing() noexcept;
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
    void skip(const Body& body, std::size_t first);
    bool begun(const JournalRow& left, const Body& body, const Wait& wait);
    void require_safe(const Body& body, std::size_t first, const Wait& wait);

    db::Connection& connection_;
    const db::Dialect& dialect_;
    const HistoryTexts& texts_;
    Lock& lock_;
    std::optional<JournalRow> left_;  // by the holder before
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
