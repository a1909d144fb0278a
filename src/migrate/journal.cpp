// SPDX-License-Identifier: MIT
#include "migrate/journal.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/checksum.hpp"
#include "base/text.hpp"
#include "db/lexer.hpp"
#include "migrate/execute.hpp"

namespace mtdb::migrate {

namespace {

using db::Lifetime;
using db::Value;

std::string_view piece_of(const Body& body, std::size_t index) {
    return whole_text(body, body.split.pieces[index]);
}

uint64_t chained(uint64_t hash, std::string_view sql) {
    std::string text = std::to_string(hash);
    return base::stable_hash64(text.append(1, ';').append(sql));
}

Error dirty(std::string what) { return Error(Code::migration_dirty, std::move(what)); }

std::string in_statement(int64_t number) { return "it broke off in statement " + std::to_string(number); }

constexpr std::string_view nothing_under_way =
    "UPDATE {table} SET holder = '', script = '', direction = '', statement = 0, stage = '', hash_before = 0,"
    " hash_statement = 0, evidence = '' WHERE id = 1";

// The objects that an evidence speaks of.
Act act_of_evidence(std::string_view evidence) {
    Act act;
    while (!evidence.empty()) {
        const auto end = std::min(evidence.find(", "), evidence.size());
        const std::string_view part = evidence.substr(0, end);
        const auto kind = part.find(' ');
        const auto state = part.rfind(' ');
        if (kind != std::string_view::npos && state > kind)
            act.objects.push_back(
                {std::string(part.substr(0, kind)), std::string(part.substr(kind + 1, state - kind - 1))});
        evidence.remove_prefix(std::min(end + 2, evidence.size()));
    }
    return act;
}

}  // namespace

std::string Journal::ahead() const {
    return with_value(dialect_.journal.ahead, "ms", std::to_string(term_.count()));
}

std::unique_ptr<db::Statement> Journal::prepared(const std::string& text, const Wait& wait) {
    return connection_.prepare(with_value(text, "table", journal_table), nullptr, wait);
}

std::optional<JournalRow> Journal::read(Format format, const Wait& wait) {
    const std::string origin = with_value(texts_.origin(format), "target", "j.target");
    const auto query = prepared("SELECT j.epoch, j.holder, CASE WHEN j.expires_at <= " +
                                    with_value(dialect_.journal.ahead, "ms", "0") +
                                    " THEN 1 ELSE 0 END, j.script, j.direction, j.target, j.statement, j.stage,"
                                    " j.hash_before, j.hash_statement, j.evidence, CASE WHEN j.origin = " + origin +
                                    " THEN 1 ELSE 0 END FROM {table} j WHERE j.id = 1",
                                wait);
    if (!query->next(wait)) return std::nullopt;
    JournalRow row;
    row.epoch = integer_of(query->value(0));
    row.holder = text_of(query->value(1));
    row.expired = truth_of(query->value(2));
    row.script = text_of(query->value(3));
    row.direction = text_of(query->value(4));
    row.target = integer_of(query->value(5));
    row.statement = integer_of(query->value(6));
    row.stage = text_of(query->value(7));
    row.hash_before = integer_of(query->value(8));
    row.hash_statement = integer_of(query->value(9));
    row.evidence = text_of(query->value(10));
    row.of_this_row = truth_of(query->value(11));
    query->reset();
    return row;
}

void Journal::claim(const Wait& wait) {
    const auto query = prepared("SELECT j.epoch, j.holder, CASE WHEN j.expires_at <= " +
                                    with_value(dialect_.journal.ahead, "ms", "0") +
                                    " THEN 1 ELSE 0 END FROM {table} j WHERE j.id = 1" +
                                    std::string(dialect_.journal.for_update),
                                wait);
    left_.reset();
    if (query->next(wait)) {
        left_.emplace();
        left_->epoch = integer_of(query->value(0));
        left_->holder = text_of(query->value(1));
        left_->expired = truth_of(query->value(2));
    }
    query->reset();
    if (left_) require_gone(*left_, wait);
}

void Journal::create(HistoryView& view, const Wait& wait) {
    if (view.journal) return;
    std::string text = "CREATE TABLE IF NOT EXISTS ";
    text.append(journal_table).append(" ").append(dialect_.journal.columns);
    execute(connection_, text, wait);
    view.journal = true;
}

std::optional<bool> Journal::cell(const std::string& query, int32_t column, const Wait& wait) {
    const auto rows = connection_.prepare(query, nullptr, wait);
    if (!rows->next(wait) || rows->value(column).type == db::Type::null) return std::nullopt;
    const Value value = rows->value(column);
    const bool out = truth_of(value) || base::equal_fold(text_of(value), "on");
    rows->reset();
    return out;
}

// The lock is ours. Where it is one of the whole server, that is the proof.
void Journal::require_gone(const JournalRow& left, const Wait& wait) {
    const db::JournalDialect& texts = dialect_.journal;
    if (left.holder.empty() || texts.partial_locks_query.empty()) return;
    if (!cell(std::string(texts.partial_locks_query), 1, wait).value_or(false)) return;
    if (left.expired && left.holder.find_first_of("'\\") == std::string::npos &&
        cell(with_value(texts.gone_query, "holder", left.holder), 0, wait).value_or(false))
        return;
    throw Error(Code::migration_locked,
                "session " + base::excerpt(left.holder) + " is migrating the tenant as far as can be seen from here: "
                "once it is known to be gone, empty the holder in " + std::string(journal_table));
}

void Journal::run_fenced(db::Statement& statement, const Wait& wait) {
    statement.run(wait);
    if (statement.affected() == 1) return;
    epoch_ = 0;
    throw Error(Code::migration_locked, "another process has taken over the migration");
}

void Journal::take(Format format, const std::string& script, std::string_view direction, int64_t target,
                   const Wait& wait) {
    const std::string fields = placeholders(1, 3, dialect_);
    const int64_t epoch = left_ ? left_->epoch + 1 : 1;
    const std::string origin = with_value(texts_.origin(format), "target", std::to_string(target));
    const auto place = [&](int32_t index) { return placeholders(index, index, dialect_); };
    const auto statement = prepared(
        left_ ? "UPDATE {table} SET epoch = " + std::to_string(epoch) + ", holder = " +
                    std::string(dialect_.journal.holder) + ", expires_at = " + ahead() + ", script = " + place(1) +
                    ", direction = " + place(2) + ", target = " + place(3) + ", origin = " + origin +
                    ", statement = 0, stage = '', hash_before = 0, hash_statement = 0, evidence = '' WHERE id = 1 AND "
                    "epoch = " + std::to_string(left_->epoch)
              : "INSERT INTO {table} (id, epoch, holder, expires_at, script, direction, target, origin, statement, "
                "stage, hash_before, hash_statement, evidence) VALUES (1, " + std::to_string(epoch) + ", " +
                    std::string(dialect_.journal.holder) + ", " + ahead() + ", " + fields + ", " + origin +
                    ", 0, '', 0, 0, '')",
        wait);
    statement->bind(1, Value::text(script), Lifetime::borrowed);
    statement->bind(2, Value::text(direction), Lifetime::borrowed);
    statement->bind(3, Value::integer(target), Lifetime::borrowed);
    run_fenced(*statement, wait);
    epoch_ = epoch;
    hash_ = 0;
    foreseen_ = false;
}

void Journal::foresee(std::string_view sql, const Wait& wait) {
    const Act act = act_of(sql, dialect_);
    if (dialect_.transactional_ddl || act.transactional || act.session || act.objects.empty()) return;
    note(1, "started", sql, evidence_of(act, connection_, dialect_, wait), wait);
    foreseen_ = true;
}

void Journal::take_over(const JournalRow& left, const Wait& wait) {
    require_gone(left, wait);
    const auto statement = prepared("UPDATE {table} SET epoch = " + std::to_string(left.epoch + 1) + ", holder = " +
                                        std::string(dialect_.journal.holder) + ", expires_at = " + ahead() +
                                        " WHERE id = 1 AND epoch = " + std::to_string(left.epoch),
                                    wait);
    run_fenced(*statement, wait);
    epoch_ = left.epoch + 1;
}

void Journal::note(int64_t number, std::string_view stage, std::string_view sql, std::string_view evidence,
                   const Wait& wait) {
    const auto place = [&](int32_t index) { return placeholders(index, index, dialect_); };
    if (note_ == nullptr)
        note_ = prepared("UPDATE {table} SET expires_at = " + ahead() + ", statement = " + place(1) + ", stage = " +
                             place(2) + ", hash_before = " + place(3) + ", hash_statement = " + place(4) +
                             ", evidence = " + place(5) + " WHERE id = 1 AND epoch = " + place(6),
                         wait);
    note_->bind(1, Value::integer(number), Lifetime::borrowed);
    note_->bind(2, Value::text(stage), Lifetime::borrowed);
    note_->bind(3, Value::integer(static_cast<int64_t>(hash_)), Lifetime::borrowed);
    note_->bind(4, Value::integer(static_cast<int64_t>(base::stable_hash64(sql))), Lifetime::borrowed);
    note_->bind(5, Value::text(evidence), Lifetime::borrowed);
    note_->bind(6, Value::integer(epoch_), Lifetime::borrowed);
    run_fenced(*note_, wait);
}

void Journal::finish(const Wait& wait) {
    stop_renewing();
    run_fenced(*prepared(std::string(nothing_under_way) + " AND epoch = " + std::to_string(epoch_), wait), wait);
}

void Journal::forget(const Wait& wait) { prepared(std::string(nothing_under_way), wait)->run(wait); }

void Journal::let_go() noexcept {
    stop_renewing();
    if (std::exchange(epoch_, 0) == 0 || connection_.in_transaction()) return;
    try {
        constexpr base::milliseconds grace(5000);
        const Wait wait{Deadline::in(grace), nullptr, nullptr};
        // The number is gone; another holder's would be another.
        prepared("UPDATE {table} SET holder = '' WHERE id = 1 AND holder = " + std::string(dialect_.journal.holder),
                 wait)
            ->run(wait);
    } catch (...) {  // NOLINT(bugprone-empty-catch)
        // The row keeps a holder that is gone.
    }
}

// ---- one statement ------------------------------------------------------------------------------

void Journal::begin_index(const Act& act, const Wait& wait) {
    if (!act.concurrently) return;
    lock_.begin_index(wait);
    if (act.index.empty() || act.index_dropped || dialect_.journal.drop_index.empty()) return;
    // Whoever drops an index while somebody else builds it keeps that from ending, until one of the two is ended.
    std::string found = evidence_of(act, connection_, dialect_, wait);
    for (auto pause = Lock::pause_min; found.ends_with(" busy"); pause = Lock::longer(pause)) {
        if (wait.deadline.passed())
            throw Error(Code::migration_locked, "somebody else is building index " + base::excerpt(act.index));
        lock_.rest(pause, wait);
        found = evidence_of(act, connection_, dialect_, wait);
    }
    if (found.ends_with(" invalid"))
        execute(connection_, with_value(dialect_.journal.drop_index, "name", act.index), wait);
}

void Journal::run_once(const Act& act, std::string_view sql, int64_t number, const std::function<void()>& run,
                       const Wait& wait) {
    if (act.transactional) {
        connection_.begin({}, wait);
        note(number, "done", sql, "", wait);
        run();
        if (connection_.in_transaction()) connection_.commit(wait);
        return;
    }
    if (std::exchange(foreseen_, false)) return run();
    begin_index(act, wait);
    const std::string evidence = evidence_of(act, connection_, dialect_, wait);
    connection_.begin({}, wait);
    note(number, "started", sql, evidence, wait);
    // Else the statement's own commit takes it along: it counts as started only once the server has begun.
    if (dialect_.transactional_ddl || act.locks_tables) connection_.commit(wait);
    run();
    blind_ = act.locks_tables;
    if (connection_.in_transaction()) {
        note(number, "done", sql, "", wait);
        connection_.commit(wait);
    }
    if (!act.index.empty() && !act.index_dropped &&
        evidence_of(act, connection_, dialect_, wait).ends_with(" invalid"))
        throw Error(Code::migration_failed, "index " + base::excerpt(act.index) + " is there, and is not valid");
}

void Journal::run(std::string_view sql, int64_t number, const std::function<void()>& run, const Wait& wait) {
    const Act act = act_of(sql, dialect_);
    if (blind_ || act.repeated) {
        run();
        blind_ = blind_ && !act.unlocks_tables;
    } else {
        for (int64_t tries = 0;; ++tries) {
            try {
                run_once(act, sql, number, run, wait);
                break;
            } catch (const Error& error) {
                if (connection_.in_transaction()) connection_.rollback();
                if (!lock_.may_retry(error, tries, wait)) throw;
            }
        }
    }
    hash_ = chained(hash_, sql);
}

void Journal::skip(const Body& body, std::size_t first) {
    hash_ = 0;
    for (std::size_t i = 0; i < first; ++i) hash_ = chained(hash_, piece_of(body, i));
}

// ---- a script that broke off --------------------------------------------------------------------

// Of a statement that was begun: whether it was done. Throws Error(migration_dirty) where nothing tells.
bool Journal::begun(const JournalRow& left, const Body& body, const Wait& wait) {
    const std::string_view sql = piece_of(body, static_cast<std::size_t>(left.statement) - 1);
    const bool same = static_cast<int64_t>(base::stable_hash64(sql)) == left.hash_statement;
    const Act act = same ? act_of(sql, dialect_) : act_of_evidence(left.evidence);
    const std::string now = evidence_of(act, connection_, dialect_, wait);
    const Verdict said = verdict(act, left.evidence, now);
    if (said == Verdict::not_started) return false;
    if (said == Verdict::done && same) return true;
    throw dirty(in_statement(left.statement) + (same ? "" : ", which has been changed since") +
                ", and whether it was done cannot be known: " +
                (left.evidence.empty() && now.empty() ? "nothing that can be looked at tells"
                                                      : "before [" + left.evidence + "], now [" + now + "]"));
}

std::size_t Journal::continuation(const JournalRow& left, const Body& body, const RunPiece& set_again,
                                  const Wait& wait) {
    if (!left.of_this_row) throw dirty("it broke off in a run that the journal knows nothing of");
    const auto number = static_cast<std::size_t>(std::max<int64_t>(left.statement, 0));
    const std::size_t count = body.split.pieces.size();
    if (number > count) throw dirty(in_statement(left.statement) + ", and has no such statement any more");
    const std::size_t before = number == 0 ? 0 : number - 1;
    skip(body, before);
    if (static_cast<int64_t>(hash_) != left.hash_before)
        throw dirty(in_statement(left.statement) + ", and has been changed before it");
    const bool done = left.stage == "done";
    if (done && static_cast<int64_t>(base::stable_hash64(piece_of(body, before))) != left.hash_statement)
        throw dirty("statement " + std::to_string(number) + " was done, and has been changed since");
    // First of all: what there is to be seen may look otherwise without it.
    for (std::size_t i = 0; i < (done ? number : before); ++i) {
        const Act act = act_of(piece_of(body, i), dialect_);
        if (!act.session || (done && !act.repeated && number == count)) continue;
        if (!act.repeated)
            throw dirty(in_statement(left.statement) + ", and what statement " + std::to_string(i + 1) +
                        " made in the session is gone");
        set_again(i);
    }
    const std::size_t first = number > 0 && (done || begun(left, body, wait)) ? number : before;
    require_safe(body, first, wait);
    skip(body, first);
    return first;
}

namespace {

// Whether a text mentions one of the names, wherever.
bool mentions(std::string_view text, const std::vector<std::string>& names) {
    const std::string folded = base::lower(std::string(text));
    return std::ranges::any_of(names, [&](const std::string& name) { return folded.find(name) != std::string::npos; });
}

// The names that stand before a dot, as literals, each behind a comma.
std::string schemas_in(std::string_view sql, const db::Lexis& lexis) {
    std::string out;
    db::Lexer lexer(sql, lexis);
    db::Token before;
    for (db::Token token = lexer.next(); token.kind != db::Token::Kind::end; token = lexer.next()) {
        const bool quoted = before.kind == db::Token::Kind::quoted_name;
        if (token.is('.') && (quoted || before.kind == db::Token::Kind::word)) {
            out += ",'";
            for (const char c : quoted ? before.text.substr(1, before.text.size() - 2) : before.text)
                if (c != '\'' && c != '\\') out += c;
            out += '\'';
        }
        before = token;
    }
    return out;
}

}  // namespace

// A statement whose transaction was undone has done nothing, unless its tables know no transactions.
void Journal::require_safe(const Body& body, std::size_t first, const Wait& wait) {
    if (dialect_.journal.unsafe_tables_query.empty() || first >= body.split.pieces.size()) return;
    const std::string_view sql = piece_of(body, first);
    if (!act_of(sql, dialect_).transactional) return;
    const std::string more = schemas_in(sql, dialect_.lexis);
    const auto rows = [&](std::string_view query, const auto& take) {
        const auto list = connection_.prepare(with_value(query, "more", more), nullptr, wait);
        while (list->next(wait)) take(*list);
        list->reset();
    };
    std::vector<std::string> unsafe;
    rows(dialect_.journal.unsafe_tables_query,
         [&](const db::Rows& row) { unsafe.push_back(base::lower(text_of(row.value(0)))); });
    if (unsafe.empty()) return;
    std::vector<std::pair<std::string, std::string>> detours;  // a name, and what its text mentions
    rows(dialect_.journal.detours_query, [&](const db::Rows& row) {
        const bool hidden = row.value(1).type == db::Type::null;
        detours.emplace_back(base::lower(text_of(row.value(0))), hidden ? unsafe.front() : text_of(row.value(1)));
    });
    for (std::size_t known = 0; known != unsafe.size();) {
        known = unsafe.size();
        for (auto& [name, text] : detours) {
            if (name.empty() || !mentions(text, unsafe)) continue;
            unsafe.push_back(std::exchange(name, {}));
        }
    }
    if (!mentions(sql, unsafe)) return;
    throw dirty(in_statement(static_cast<int64_t>(first) + 1) + ", and it may write a table that keeps what a broken "
                "statement wrote");
}

// ---- renewing -----------------------------------------------------------------------------------

void Journal::renew_with(OpenSecond open, Reserve reserve, const Wait& wait) {
    if (!open || renewer_.joinable()) return;
    open_second_ = std::move(open);
    if (reserve == Reserve::now) {
        constexpr base::milliseconds patience(1000);
        try {
            second_ = open_second_({wait.deadline.earlier(Deadline::in(patience)), wait.cancel, wait.shutdown});
        } catch (const Error&) {
            wait.check("a second connection");  // else later, perhaps: the lock of the session says that we are alive
        }
    }
    stopping_ = false;
    cancel_.reset();
    try {
        renewer_ = std::thread([this]() noexcept { renew_until_stopped(); });
    } catch (const std::system_error&) {
        // No thread to be had: the lock of the session says that we are alive.
    }
}

void Journal::renew_until_stopped() noexcept {
    const std::string text = "UPDATE " + std::string(journal_table) + " SET expires_at = " + ahead() +
                             " WHERE id = 1 AND epoch = " + std::to_string(epoch_);
    std::unique_lock held(mutex_);
    while (!wake_.wait_for(held, term_ / 3, [&] { return stopping_; })) {
        held.unlock();
        try {
            // Short: a statement in a transaction keeps the row to itself, and nobody else gets it meanwhile.
            const Wait wait{Deadline::in(term_ / 10), &cancel_, nullptr};
            if (second_ == nullptr) second_ = open_second_(wait);
            execute(*second_, text, wait);
        } catch (...) {  // NOLINT(bugprone-empty-catch)
            // The next time, perhaps.
        }
        held.lock();
    }
}

void Journal::stop_renewing() noexcept {
    if (renewer_.joinable()) {
        {
            const std::lock_guard held(mutex_);
            stopping_ = true;
        }
        cancel_.trigger(0);
        wake_.notify_all();
        renewer_.join();
    }
    second_.reset();
}

}  // namespace mtdb::migrate
