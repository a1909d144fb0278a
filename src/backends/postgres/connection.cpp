// SPDX-License-Identifier: MIT
#include "backends/postgres/connection.hpp"

#include <algorithm>

#include "backends/postgres/copy.hpp"
#include "backends/postgres/statement.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "db/lexer.hpp"

namespace mtdb::backends::postgres {
namespace {

constexpr base::milliseconds rollback_grace{5000};
constexpr base::milliseconds control_grace{30000};  // of what is asked for without a wait
constexpr std::size_t notices_max = 64;
constexpr std::size_t notice_size_max = 1000;
constexpr int utf8_encoding = 6;

// SAVEPOINT names are folded as unquoted ones are.
std::string savepoint_name(std::string_view name) { return quoted(base::lower(name)); }

std::string begin_text(const db::TransactionMode& mode) {
    std::string sql = "BEGIN";
    if (mode.isolation == db::Isolation::read_committed) sql += " ISOLATION LEVEL READ COMMITTED";
    if (mode.isolation == db::Isolation::repeatable_read) sql += " ISOLATION LEVEL REPEATABLE READ";
    if (mode.isolation == db::Isolation::serializable) sql += " ISOLATION LEVEL SERIALIZABLE";
    if (mode.read_only) sql += " READ ONLY";
    return sql;
}

bool failed(const PGresult* result) {
    const ExecStatusType status = libpq().PQresultStatus(result);
    return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
}

Wait at_most(base::milliseconds time) { return Wait{Deadline::in(time), nullptr, nullptr}; }

}  // namespace

std::string second_word(std::string_view sql, const db::StatementFacts& facts) {
    db::Lexer lexer(sql.substr(facts.begin, facts.end - facts.begin), lexis);
    lexer.next();
    std::string word(lexer.next().text);
    std::transform(word.begin(), word.end(), word.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return word;
}

bool mentions(std::string_view sql, std::string_view word) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    const auto of_name = [&](std::size_t at) {
        const char c = at < sql.size() ? lower(sql[at]) : ' ';
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
    };
    const auto same = [&](char a, char b) { return lower(a) == b; };
    for (auto from = sql.begin();; ++from) {
        from = std::search(from, sql.end(), word.begin(), word.end(), same);
        if (from == sql.end()) return false;
        const auto at = static_cast<std::size_t>(from - sql.begin());
        if (!of_name(at + word.size()) && (at == 0 || !of_name(at - 1))) return true;
    }
}

bool takes_session_lock(std::string_view sql) {
    for (const char* lock : {"pg_advisory_lock", "pg_advisory_lock_shared", "pg_try_advisory_lock",
                             "pg_try_advisory_lock_shared"})
        if (mentions(sql, lock)) return true;
    return false;
}

bool uses_prepared(std::string_view sql) {
    return mentions(sql, "execute") || mentions(sql, "prepare") || mentions(sql, "deallocate") ||
           mentions(sql, "pg_prepared_statements") || mentions(sql, "pg_prepared_statement");
}

std::string quoted(std::string_view name) {
    std::string out = "\"";
    for (const char c : name) {
        if (c == '"') out += '"';
        out += c;
    }
    return out += '"';
}

std::string literal(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'') out += '\'';
        out += c;
    }
    return out += '\'';
}

void Notices::receive(void* self, const PGresult* result) noexcept {
    Notices& notices = *static_cast<Notices*>(self);
    if (notices.kept_.size() >= notices_max) return;
    try {
        const auto field = [&](int code) {
            const char* const text = libpq().PQresultErrorField(result, code);
            return std::string(text == nullptr ? "" : text);
        };
        const std::string severity = field(PG_DIAG_SEVERITY_NONLOCALIZED);
        notices.kept_.push_back({severity == "WARNING", field(PG_DIAG_SQLSTATE),
                                 base::excerpt(field(PG_DIAG_MESSAGE_PRIMARY), notice_size_max)});
    } catch (...) {
        // Without memory it is not kept; libpq must not be unwound through.
    }
}

Connection::Connection(std::unique_ptr<Link> link, std::unique_ptr<Notices> notices,
                       std::shared_ptr<const Config> config, std::string server, Pooling pooling,
                       bool standard_startup)
    : notices_(std::move(notices)),
      link_(std::move(link)),
      config_(std::move(config)),
      server_(std::move(server)),
      pooling_(pooling),
      standard_startup_(standard_startup) {}

Connection::~Connection() { names_->open = false; }

std::unique_ptr<db::Statement> Connection::prepare(std::string_view sql, std::string_view* tail, const Wait&) {
    if (const std::size_t nul = sql.find('\0'); nul != sql.npos) {
        const base::Position at = base::position_of(sql, nul);
        throw Error(Code::sql_error, "the sql text holds a NUL byte").with_position(at.line, at.column);
    }
    if (static_cast<int64_t>(sql.size()) > value_bytes_max)
        throw Error(Code::limit,
                    "the sql text has " + std::to_string(sql.size()) + " bytes; postgres takes texts below 1 GB");
    db::StatementFacts facts = db::facts_of(sql, lexis);
    if (tail != nullptr) *tail = sql.substr(facts.tail);
    if (facts.verb.empty() && facts.end == 0) return nullptr;
    if (const CopyWay way = copy_way(sql, facts); way != CopyWay::none)
        return std::make_unique<CopyStatement>(*this, sql.substr(0, facts.end), std::move(facts), way);
    return std::make_unique<Statement>(*this, sql.substr(0, facts.end), std::move(facts));
}

void Connection::pin(const db::Place& place, bool another) noexcept {
    if (place.path != namespace_) {
        try {
            std::string path = place.path.empty() ? std::string() : quoted(place.path) + config_->path_tail;
            std::string name = place.path;
            path_.swap(path);
            namespace_.swap(name);
        } catch (const std::bad_alloc&) {
            link_->lose();
            return;
        }
        pinned_ = false;
    }
    // Behind a pooler the session is nobody's to clean.
    clean_due_ = clean_due_ || ((another || session_dirty_) && pooling_ != Pooling::transaction);
    forget_due_ =
        forget_due_ || ((another || session_dirty_) && foreign_prepared_ && pooling_ != Pooling::transaction);
    others_prepared_ = others_prepared_ || another;
    clean_apart_ = clean_apart_ || (clean_due_ && listens_);
    session_dirty_ = listens_ = sent_ = false;
    look_due_ = true;
}

std::string Connection::standing(const Wait& wait) {
    return ask_unplaced("SELECT pg_catalog.current_schema()", wait);
}

bool Connection::served_by_another(const Wait& wait) {
    return ask_unplaced("SELECT pg_catalog.pg_backend_pid()", wait) != std::to_string(pq_.PQbackendPID(link_->get()));
}


std::string Connection::ask_unplaced(const char* sql, const Wait& wait) {
    check_ready(wait);
    start_flight({}, false);
    queue_prefix(Guarded::no);
    queue_text(sql, Part::execute);
    queue_sync();
    send(wait);
    std::string value;
    if (!read_to_execute(wait)) throw_failure();
    while (const ResultHandle row = next_row(wait))
        if (pq_.PQntuples(row.get()) == 1 && pq_.PQgetisnull(row.get(), 0, 0) == 0)
            value = pq_.PQgetvalue(row.get(), 0, 0);
    return value;
}

// ---- statements ---------------------------------------------------------------------------------

void Connection::refuse_behind_pooler(const db::StatementFacts& facts, std::string_view sql) const {
    if (pooling_ != Pooling::transaction) return;
    const auto refuse = [&](const std::string& what) {
        throw Error(Code::unsupported, what +
                                           " needs a session of its own, and a pooler in transaction mode gives none "
                                           "(option postgres.pooler)");
    };
    if (facts.alone) refuse(facts.verb + " outside a transaction");
    const bool in_tx = in_transaction();
    const std::string second = second_word(sql, facts);
    const bool local = second == "LOCAL" || second == "TRANSACTION" || second == "CONSTRAINTS";
    const bool transactional = (facts.verb == "SET" && local) || facts.verb == "DO" || facts.verb == "CALL" ||
                               facts.verb == "LOCK" || (facts.verb == "DECLARE" && in_tx && !mentions(sql, "hold"));
    if (facts.session && !transactional) refuse(facts.verb);
    if (takes_session_lock(sql)) refuse("an advisory lock of the session");
}

void Connection::execute(Statement& statement, const Wait& wait) {
    check_ready(wait);
    const db::StatementFacts& facts = statement.facts_;
    refuse_behind_pooler(facts, statement.sql_);
    if (facts.alone || statement.discards_all_) return execute_alone(statement, wait);
    check_transaction(facts);
    statement.parameters_.check_total();
    for (int tries = 0;; ++tries) {
        start_flight(statement.sql_, !facts.read_only);
        flight_commits_ = facts.control == db::Control::commit;
        flight_calls_ = facts.calls;
        flight_may_commit_ = statement.may_commit_ && tx_ == Tx::none && pooling_ != Pooling::transaction;
        flight_moves_ = facts.session || facts.control == db::Control::savepoint;
        if (statement.uses_prepared_ && others_prepared_ && pooling_ != Pooling::transaction) forget_due_ = true;
        queue_around(statement);
        queue_sync();
        send(wait);
        session_dirty_ = session_dirty_ || facts.session;
        listens_ = listens_ || statement.mentions_listen_;
        holds_ = holds_ || statement.holds_;
        foreign_prepared_ = foreign_prepared_ || statement.prepares_;
        raw_savepoints_ = raw_savepoints_ || (facts.control == db::Control::savepoint && server_in_transaction());
        if (read_to_execute(wait)) {
            ResultHandle first = get(wait);
            if (!failed(first.get())) {
                reader_ = &statement;
                return statement.take_first(std::move(first), wait);
            }
            note_failure(Part::execute, first.get());
            finish_flight(wait);
        }
        if (tries > 0 || !may_resend(&statement)) throw_failure();
    }
}

void Connection::check_transaction(const db::StatementFacts& facts) const {
    if (tx_ == Tx::failed && facts.control == db::Control::none)
        throw Error(Code::tx_lost, "the transaction has failed: go back to a savepoint or roll back");
    if (tx_ == Tx::begun && facts.control == db::Control::begin)
        throw Error(Code::invalid_state, "a transaction is open already");
}

// A statement and what goes around it.
void Connection::queue_around(Statement& statement) {
    const db::StatementFacts& facts = statement.facts_;
    const bool begins = facts.control == db::Control::begin && tx_ == Tx::none;
    if (begins && pooling_ != Pooling::transaction && (clean_due_ || (placed() && !pinned_))) {
        queue_prefix(Guarded::yes);  // as queue_prefix() does it for begin()
        queue_sync();
        return statement.queue();
    }
    const bool commits = facts.control == db::Control::commit && tx_ != Tx::failed;
    const Guarded guarded = facts.control == db::Control::none || commits ? Guarded::yes : Guarded::no;
    // A procedure that commits must not go on outside of the local pin: in a transaction it cannot.
    const bool wrapped =
        pooling_ == Pooling::transaction && tx_ == Tx::none && (facts.verb == "CALL" || facts.verb == "DO");
    queue_prefix(guarded, wrapped ? "BEGIN" : nullptr);
    statement.queue();
    if (wrapped) queue_text("COMMIT", Part::control);
}

ResultHandle Connection::next_row(const Wait& wait) {
    ResultHandle result = get(wait);
    if (result != nullptr && !failed(result.get())) return result;
    if (take_result(result)) end_step();
    finish_flight(wait);
    if (pq_.PQclientEncoding(link_->get()) != utf8_encoding) tainted_ = true;
    if (failure_) throw_failure();
    return nullptr;
}

void Connection::abandon(const db::Statement& statement) noexcept {
    if (reader_ != &statement) return;
    reader_ = nullptr;
    abandoned_ = true;
}

// Cannot share its segment: the server runs it in a transaction of its own or not at all.
void Connection::execute_alone(Statement& statement, const Wait& wait) {
    if (in_transaction())
        throw Error(Code::invalid_state, statement.facts_.verb + " cannot run inside a transaction");
    if (statement.parameter_count() > 0)
        throw Error(Code::invalid_argument, statement.facts_.verb + " takes no parameters");
    stand(wait);
    if (statement.discards_all_) {
        session_dirty_ = true;
        pinned_ = false;
        forget_prepared();
    }
    run_simple({}, statement.sql_, wait, [](const PGresult*) {});
    statement.affected_ = 0;
    statement.columns_.clear();
    statement.state_ = Statement::State::ended;
}

// A flight of its own that brings the session to where it must stand, and proves it.
void Connection::stand(const Wait& wait) {
    for (int tries = 0;; ++tries) {
        start_flight({}, false);
        queue_prefix(Guarded::yes);
        queue_sync();
        send(wait);
        finish_flight(wait);
        if (!failure_) return;
        if (tries > 0 || !may_resend(nullptr)) throw_failure();
    }
}

void Connection::run_simple(const Prefix& prefix, std::string_view sql, const Wait& wait,
                            const std::function<void(const PGresult*)>& on_result) {
    leave_pipeline();
    struct Back {
        Connection& connection;
        ~Back() { connection.enter_pipeline(); }
    } back{*this};
    send_simple(prefix.text, sql, true, wait);
    int32_t guards = prefix.statements;  // that have not answered yet
    while (const ResultHandle result = get(wait)) {
        const ExecStatusType status = pq_.PQresultStatus(result.get());
        if (failed(result.get())) {
            note_failure(Part::execute, result.get());
            continue;
        }
        guards = std::max(guards - 1, 0);
        if (status == PGRES_COPY_IN && copies_) {
            copies_();
            send(wait);
        } else if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
            link_->lose();  // refused beforehand wherever words tell
            throw Error(Code::unsupported, "COPY FROM STDIN and COPY TO STDOUT are not run as statements")
                .with_effect(Effect::unknown);
        } else {
            on_result(result.get());
        }
    }
    flight_done();
    if (failure_ && guards > 0 && failure_->sqlstate == state::guard_failed) return;
    if (failure_) throw_failure();
}

void Connection::send_simple(std::string_view prefix, std::string_view sql, bool writes, const Wait& wait) {
    const std::string text = std::string(prefix) + std::string(sql);
    start_flight(sql, writes);
    flight_prefix_ = static_cast<int64_t>(std::count_if(
        prefix.begin(), prefix.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
    sent(pq_.PQsendQuery(link_->get(), text.c_str()));
    send(wait);
}

std::string Connection::guard_text() const {
    return "SELECT 1 OPERATOR(pg_catalog./) (CASE WHEN pg_catalog.current_schema() OPERATOR(pg_catalog.=) " +
           literal(namespace_) +
           "::pg_catalog.name AND pg_catalog.current_setting('search_path') OPERATOR(pg_catalog.=) " +
           literal(path_) + " THEN 1 ELSE 0 END);";
}

bool Connection::run_script(std::string_view text, int64_t& statements, const Wait& wait) {
    check_ready(wait);
    if (pooling_ == Pooling::transaction) return false;
    bool session = false;
    bool begins = false;
    int64_t seen = 0;
    for (std::string_view rest = text; !rest.empty();) {
        const db::StatementFacts facts = db::facts_of(rest, lexis);
        if (facts.end == 0) break;
        if (facts.alone) return false;
        if (copy_way(rest, facts) != CopyWay::none)
            throw Error(Code::unsupported, "a script with COPY FROM STDIN or COPY TO STDOUT is not run");
        // Its isolation can only be set before the first query, so no guard may stand in the same text.
        begins = begins || facts.control == db::Control::begin;
        session = session || facts.session || facts.control != db::Control::none;
        rest.remove_prefix(facts.tail);
        ++seen;
    }
    statements = 0;
    if (seen == 0) return true;
    if (tx_ == Tx::failed)
        throw Error(Code::tx_lost, "the transaction has failed: go back to a savepoint or roll back");
    foreign_prepared_ = foreign_prepared_ || mentions(text, "prepare");
    forget_due_ = forget_due_ || (others_prepared_ && uses_prepared(text));
    session_dirty_ = session_dirty_ || session;
    listens_ = listens_ || mentions(text, "listen");
    holds_ = holds_ || takes_session_lock(text);
    ++shape_epoch_;
    const bool stands =
        pinned_ && !clean_due_ && !forget_due_ && !rollback_due_ && tx_ != Tx::begun && queued_controls_.empty();
    // The pin is committed before: a ROLLBACK in the text cannot take it back.
    if (!stands || begins) stand(wait);
    const std::string guard = begins || !placed() ? std::string() : guard_text();
    const auto count = [&](const PGresult* result) {
        if (pq_.PQresultStatus(result) != PGRES_EMPTY_QUERY) ++statements;
    };
    const auto run = [&] {
        statements = guard.empty() ? 0 : -1;
        const bool in_tx = server_in_transaction();
        flight_moves_ = false;
        if (in_tx && mentions(text, "savepoint")) raw_savepoints_ = true;
        run_simple({guard, guard.empty() ? 0 : 1}, text, wait, count);
        return !failure_;
    };
    try {
        if (!run()) {
            if (!may_resend_script()) throw_failure();
            stand(wait);
            if (!run()) throw_failure();
        }
    } catch (const Error& error) {
        pinned_ = pinned_ && !session;
        if (error.code() == Code::tenant_unknown) throw;
        throw error.with_statement(std::max<int64_t>(statements, 0) + 1);
    }
    if (session) {
        pinned_ = false;
        tx_moved_ = tx_moved_ || tx_ != Tx::none;
    }
    return true;
}

// The guard in front of a script failed: nothing of it ran.
bool Connection::may_resend_script() {
    failure_->part = Part::guard;
    return may_resend(nullptr);
}

// ---- transactions -------------------------------------------------------------------------------

bool Connection::in_transaction() const {
    return tx_ == Tx::begun || tx_ == Tx::open || (tx_ == Tx::failed && (!savepoints_.empty() || raw_savepoints_));
}

void Connection::begin(const db::TransactionMode& mode, const Wait& wait) {
    if (in_transaction()) throw Error(Code::invalid_state, "a transaction is open already");
    check_ready(wait);
    begin_sql_ = begin_text(mode);
    tx_ = Tx::begun;  // sent with its first statement
    savepoints_.clear();
    queued_controls_.clear();
}

void Connection::commit(const Wait& wait) {
    if (!in_transaction()) throw Error(Code::invalid_state, "no transaction is open");
    if (tx_ == Tx::begun) {  // nothing of it was ever sent
        end_transaction();
        return;
    }
    check_ready(wait);
    const auto undone = [] {
        return Error(Code::tx_lost, "the transaction had failed: it was rolled back")
            .with_native("postgres", 0)
            .with_effect(Effect::rolled_back);
    };
    if (tx_ == Tx::failed) {
        give_up_transaction();
        throw undone();
    }
    start_flight({}, true);
    flight_commits_ = true;
    queue_prefix(Guarded::yes);
    queue_own(Own::commit, Part::execute);
    queue_sync();
    send(wait);
    std::string tag;
    if (read_to_execute(wait))
        while (const ResultHandle result = next_row(wait)) tag = pq_.PQcmdStatus(result.get());
    if (failure_) throw_failure();
    if (tag == "ROLLBACK") throw undone();
}

void Connection::rollback() {
    if (tx_ == Tx::begun) return end_transaction();
    if (tx_ == Tx::failed) return give_up_transaction();
    if (tx_ == Tx::none) return;
    const Wait wait = at_most(rollback_grace);
    try {
        if (reader_ != nullptr) reader_->reset();
        check_ready(wait);
        if (tx_ != Tx::open) return tx_ == Tx::failed ? give_up_transaction() : void();
        start_flight({}, false);
        queue_text("ROLLBACK", Part::control);
        queue_sync();
        run_flight(wait);
    } catch (const Error&) {
        if (tx_ == Tx::none && !link_->lost()) return;
        end_transaction();
        link_->lose();
        throw Error(Code::io, "the connection to the server was lost")
            .with_native("postgres", 0)
            .with_effect(Effect::rolled_back);
    }
}

void Connection::savepoint(std::string_view name) {
    if (tx_ != Tx::begun && tx_ != Tx::open) throw Error(Code::invalid_state, "no transaction is open");
    queued_controls_.push_back("SAVEPOINT " + savepoint_name(name));  // goes with the next flight
    savepoints_.push_back(base::lower(name));
}

void Connection::release_savepoint(std::string_view name) {
    if (tx_ != Tx::begun && tx_ != Tx::open) throw Error(Code::invalid_state, "no transaction is open");
    const auto found = std::find(savepoints_.rbegin(), savepoints_.rend(), base::lower(name));
    if (found == savepoints_.rend() && !raw_savepoints_)
        throw Error(Code::not_found, "no savepoint '" + base::excerpt(name) + "'");
    queued_controls_.push_back("RELEASE SAVEPOINT " + savepoint_name(name));
    if (found != savepoints_.rend()) savepoints_.erase(std::prev(found.base()), savepoints_.end());
}

// Sent at once: what it undoes may hold locks that others wait for.
void Connection::rollback_to(std::string_view name) {
    if (!in_transaction()) throw Error(Code::invalid_state, "no transaction is open");
    const auto found = std::find(savepoints_.rbegin(), savepoints_.rend(), base::lower(name));
    if (found == savepoints_.rend() && !raw_savepoints_)
        throw Error(Code::not_found, "no savepoint '" + base::excerpt(name) + "'");
    const Wait wait = at_most(control_grace);
    if (reader_ != nullptr) reader_->reset();
    check_ready(wait);
    const std::vector<std::string> kept(savepoints_.begin(),
                                        found == savepoints_.rend() ? savepoints_.end() : found.base());
    start_flight({}, false);
    queue_prefix(Guarded::no);
    queue_text("ROLLBACK TO SAVEPOINT " + savepoint_name(name), Part::control);
    queue_sync();
    run_flight(wait);
    savepoints_ = kept;
    if (tx_moved_) pinned_ = false;  // the pin may have been undone with the rest
}

db::Reuse Connection::end_lease() noexcept {
    try {
        if (reader_ != nullptr) reader_->reset();
        const Wait wait = at_most(rollback_grace);
        if (!link_->lost() && flight_open_) {
            try {
                settle_flight(wait);
            } catch (const Error&) {
                if (link_->lost() || flight_open_) return db::Reuse::discard;
            }
        }
        if (tx_ == Tx::begun) end_transaction();
        if (!link_->lost() && (tx_ != Tx::none || rollback_due_)) {
            start_flight({}, false);
            rollback_due_ = true;
            end_transaction();
            queue_text("ROLLBACK", Part::control);
            queue_sync();
            run_flight(wait);
        }
        if (holds_ && !link_->lost()) {  // a lock must not wait for the next lease
            holds_ = false;
            ask_unplaced("SELECT pg_catalog.pg_advisory_unlock_all()", wait);
        }
        while (PGnotify* const notification = pq_.PQnotifies(link_->get())) pq_.PQfreemem(notification);
        notices_->take();
    } catch (...) {
        return db::Reuse::discard;
    }
    sent_ = false;
    // The same tenant's next lease gets a session without what this one changed; no pin() tells of that one.
    const bool changed = session_dirty_ && pooling_ != Pooling::transaction;
    if (changed && !placed()) return db::Reuse::discard;
    clean_due_ = clean_due_ || changed;
    forget_due_ = forget_due_ || (changed && foreign_prepared_);
    clean_apart_ = clean_apart_ || (changed && listens_);
    look_due_ = look_due_ || changed;
    if (changed) session_dirty_ = listens_ = false;
    const bool clean = !link_->lost() && !tainted_ && !flight_open_ && tx_ == Tx::none &&
                       pq_.PQtransactionStatus(link_->get()) == PQTRANS_IDLE;
    return clean ? db::Reuse::clean : db::Reuse::discard;
}

int64_t Connection::memory_bytes() const {
    constexpr int64_t buffers = 2 * 16'384 + 8'192;  // libpq's, in and out, and its own
    return buffers;
}

}  // namespace mtdb::backends::postgres
