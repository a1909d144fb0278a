// SPDX-License-Identifier: MIT
#include "backends/mysql/connection.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "backends/mysql/statement.hpp"
#include "base/text.hpp"

namespace mtdb::backends::mysql {
namespace {

constexpr base::milliseconds control_grace(5000);
constexpr std::size_t warnings_max = 10;
constexpr uint32_t syntax_error = 1064;
constexpr std::size_t packet_slack = 64;  // of headers

// Statements after which the session stands where it stood, or tells of it. Everything else can run statements
// that no word of it shows.
constexpr std::array<std::string_view, 37> open_verbs{
    "ALTER",   "ANALYZE", "BEGIN",    "CHECK",   "CHECKSUM", "COMMIT",   "CREATE",    "DELETE", "DESC", "DESCRIBE",
    "DO",      "DROP",    "EXPLAIN",  "FLUSH",   "GRANT",    "INSERT",   "KILL",      "LOAD",   "LOCK", "OPTIMIZE",
    "RELEASE", "RENAME",  "REPAIR",   "REPLACE", "REVOKE",   "ROLLBACK", "SAVEPOINT", "SELECT", "SET",  "SHOW",
    "START",   "TABLE",   "TRUNCATE", "UNLOCK",  "UPDATE",   "VALUES",   "WITH",
};
static_assert(std::is_sorted(open_verbs.begin(), open_verbs.end()));

bool contains_fold(std::string_view text, std::string_view part) noexcept {
    const auto fold = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::search(text.begin(), text.end(), part.begin(), part.end(),
                       [&](char a, char b) { return fold(a) == fold(b); }) != text.end();
}

bool is_open(std::string_view verb) noexcept {
    return std::binary_search(open_verbs.begin(), open_verbs.end(), verb);
}

}  // namespace

bool is_system(std::string_view database) noexcept {
    for (const std::string_view name : {"mysql", "sys", "performance_schema", "information_schema"})
        if (base::equal_fold(name, database)) return true;
    return false;
}

void check_name(std::string_view database, bool folded) {
    if (is_system(database))
        throw Error(Code::permission, "database '" + base::excerpt(database) + "' is the server's own");
    constexpr std::size_t name_max = 64;
    const bool odd = database.find_first_of(std::string_view("\0/\\", 3)) != std::string_view::npos;
    if (database.empty() || database.size() > name_max || odd || database.front() == '#' || database.back() == ' ')
        throw Error(Code::invalid_argument, "'" + base::excerpt(database) + "' is no name of a tenant's database");
    // Else two tenants whose ids differ only in case would stand in one database.
    const bool capital = std::any_of(database.begin(), database.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    if (capital && folded)
        throw Error(Code::invalid_argument,
                    "database '" + base::excerpt(database) +
                        "' has capital letters, which this server does not tell from small ones");
}

std::string quoted(std::string_view name) {
    std::string out = "`";
    for (const char c : name) {
        if (c == '`') out += '`';
        out += c;
    }
    return out + "`";
}

std::string literal(std::string_view text) {
    std::string out = "_utf8mb4 X'";
    for (const char c : text) {
        out += "0123456789abcdef"[static_cast<uint8_t>(c) >> 4];
        out += "0123456789abcdef"[static_cast<uint8_t>(c) & 15];
    }
    return out + "'";
}

bool has_hidden(std::string_view sql) noexcept {
    return sql.find("/*!") != std::string_view::npos || sql.find("/*M!") != std::string_view::npos;
}

Impact impact_of(std::string_view sql, const db::StatementFacts& facts) {
    Impact impact;
    // A comment that the server runs.
    const bool hidden = has_hidden(sql);
    const bool statement_settings = facts.verb == "SET" && contains_fold(sql, "statement");
    impact.plain = !hidden;
    impact.uncertain = hidden || statement_settings || !is_open(facts.verb) ||
                       (facts.verb == "BEGIN" && facts.control != db::Control::begin) ||
                       contains_fold(sql, "session_track");
    const bool several = (facts.verb == "DROP" || facts.verb == "GRANT" || facts.verb == "REVOKE") &&
                         (sql.find(',') != std::string_view::npos || contains_fold(sql, "database") ||
                          contains_fold(sql, "schema"));
    impact.partly = several || (impact.uncertain && !statement_settings && facts.verb != "USE");
    impact.holds = facts.verb == "LOCK" || facts.verb == "FLUSH" || facts.verb == "HANDLER" || facts.verb == "XA" ||
                   facts.verb == "BACKUP" || contains_fold(sql, "get_lock");
    impact.dirty = facts.session || impact.uncertain || impact.holds || contains_fold(sql, ":=") ||
                   (sql.find('@') != std::string_view::npos && contains_fold(sql, "into"));
    return impact;
}

// ---- standing -----------------------------------------------------------------------------------

Connection::Connection(std::unique_ptr<Session> session, bool own)
    : session_(std::move(session)),
      own_(own),
      own_database_(own ? session_->conninfo().database : std::string()),
      target_(own_database_),
      has_target_(own),
      at_(own ? own_database_ : "information_schema"),
      link_(std::make_shared<Link>(Link{this})) {}

Connection::~Connection() { link_->connection = nullptr; }

void Connection::pin(const db::Place& place, bool another) noexcept {
    const std::string& target = place.path.empty() ? own_database_ : place.path;
    const bool elsewhere = target != target_;  // then it is another, whatever the caller thinks
    try {
        target_ = target;
        has_target_ = !place.path.empty() || own_;
        pin_failed_ = false;
    } catch (...) {
        pin_failed_ = true;
    }
    reset_due_ = reset_due_ || (used_ && (another || elsewhere || dirty_));
    session_->forget_sent();
    look_due_ = true;
}

void Connection::check_placement() const {
    if (pin_failed_) throw Error(Code::nomem, "out of memory");
    if (!has_target_) throw Error(Code::invalid_state, "the connection is pinned to no tenant");
    if (own_ && target_ == own_database_) return;
    check_name(target_, session_->folds_names());
}

Error Connection::unplaced(const Operation& operation, const ServerError& said) const {
    if (operation.over()) return operation.error("the tenant's database");
    const Error error = server_error(said);
    if (session_->broken()) return error.with_code(Code::unavailable);
    if (said.number == 1049 || said.number == 1044 || said.number == 1046)
        return error.with_code(Code::tenant_unknown)
            .with_message("there is no database '" + base::excerpt(target_) + "', or it may not be used");
    return error;
}

void Connection::send_closes() {
    for (const uint32_t id : closing_) {
        std::string payload;
        append_fixed(payload, id, 4);
        session_->send(Command::close_statement, payload);
    }
    closing_.clear();
}

// Reads the answers of a reset and the set-up behind it. False: the session is broken.
bool Connection::reset_session() {
    if (!session_->read_reset()) return false;
    ++epoch_;
    reset_due_ = used_ = dirty_ = holds_ = false;
    trusted_ = true;
    return true;
}

void Connection::stand(const Operation& operation) {
    check_placement();
    const bool reset = reset_due_;
    const bool elsewhere = !at_known_ || !trusted_ || at_ != target_;
    if (!reset && !elsewhere && closing_.empty()) return;
    if (reset)
        closing_.clear();
    else
        send_closes();
    const bool select = reset || elsewhere;
    if (!select) return;
    // One write after the other, then the answers: no statement of the tenant's is among them.
    const bool nowhere = target_.empty();
    {
        const Session::Together together(*session_);
        if (reset) session_->send_reset();
        if (!nowhere) session_->send(Command::init_db, target_);
    }
    at_known_ = false;
    if (reset && !reset_session()) throw unplaced(operation, session_->said());
    if (nowhere) {
        if (reset && !session_->restore_role()) throw unplaced(operation, session_->said());
        // No command leaves a database for none.
        if (!at_.empty() || elsewhere) session_->set_broken();
        if (session_->broken()) throw Error(Code::unavailable, "the session left its own database");
        at_known_ = true;
        return;
    }
    const Reply stands = session_->read_reply();
    if (reset && !session_->restore_role()) throw unplaced(operation, session_->said());
    if (stands.kind != Reply::Kind::ok) throw unplaced(operation, stands.error);
    at_ = target_;
    at_known_ = true;
}

void Connection::note(const Impact& impact) noexcept {
    used_ = true;
    dirty_ = dirty_ || impact.dirty;
    holds_ = holds_ || impact.holds;
    if (impact.uncertain) {
        trusted_ = false;
        at_known_ = false;
    }
}

void Connection::note(const Reply& reply) {
    if (reply.schema) {
        at_ = *reply.schema;
        dirty_ = true;
    }
    if (reply.kind == Reply::Kind::ok && reply.insert_id != 0) insert_id_ = reply.insert_id;
}

std::string Connection::standing(const Wait& wait) {
    enter(nullptr, wait);
    Operation operation(*session_, wait, Operation::Kill::allowed);
    std::vector<std::vector<std::string>> rows;
    const Reply reply = session_->select("SELECT DATABASE()", rows);
    if (reply.kind == Reply::Kind::error) throw failure(operation, reply.error, {});
    operation.settle();
    return rows.empty() || rows.front().empty() ? std::string() : rows.front().front();
}

// ---- statements ---------------------------------------------------------------------------------

void Connection::enter(const Statement* statement, const Wait& wait) {
    wait.check("the statement");
    if (reading_ != nullptr && reading_ != statement)
        throw Error(Code::invalid_state, "the rows of another statement are still being read");
    if (std::exchange(look_due_, false)) session_->alive();
    if (session_->broken()) throw Error(Code::unavailable, "the connection to the server is lost");
}

void Connection::check_size(std::size_t bytes) const {
    if (bytes + packet_slack <= session_->packet_max()) return;
    throw Error(Code::limit, "the statement and its values have " + std::to_string(bytes) +
                                 " bytes, more than the server's max_allowed_packet of " +
                                 std::to_string(session_->packet_max()))
        .with_limit("max_allowed_packet");
}

std::unique_ptr<db::Statement> Connection::prepare(std::string_view sql, std::string_view* tail, const Wait&) {
    const db::StatementFacts facts = db::facts_of(sql, lexis);
    if (tail != nullptr) *tail = sql.substr(std::min(facts.tail, sql.size()));
    std::string_view whole = sql.substr(0, std::min(facts.tail, sql.size()));
    if (!has_hidden(whole)) {
        if (facts.end == facts.begin) return nullptr;
        return std::make_unique<Statement>(*this, sql.substr(facts.begin, facts.end - facts.begin), facts,
                                           base::position_of(sql, facts.begin));
    }
    // What the lexer takes for comments may be most of the statement: all of it is the server's to read.
    if (whole.ends_with(';')) whole.remove_suffix(1);
    const std::size_t first = whole.find_first_not_of(" \t\r\n\f;");
    return std::make_unique<Statement>(*this, whole.substr(first), facts, base::position_of(sql, first));
}

Effect Connection::effect_of(const ServerError& said, const Attempt& attempt) const noexcept {
    if (session_->broken()) {
        if (attempt.ends_transaction) return Effect::unknown;
        if (attempt.in_transaction && (attempt.undone_with_it || !attempt.writes)) return Effect::rolled_back;
        return attempt.writes || attempt.calls ? Effect::unknown : Effect::none;
    }
    const bool open = session_->in_transaction();
    if (attempt.ends_transaction) {
        if (open) return Effect::none;
        return said.number == 1317 ? Effect::unknown : Effect::rolled_back;
    }
    if (!attempt.in_transaction && attempt.partly && said.number != syntax_error) return Effect::unknown;
    if (!attempt.in_transaction) return attempt.writes ? Effect::rolled_back : Effect::none;
    if (open) return Effect::none;
    // Ended: by the failure, or committed by a definition before it failed.
    const bool undone = rule_of(said.number, said.sqlstate).ends_transaction || said.number == 1205 ||
                        said.number == 1020 || attempt.undone_with_it;
    return undone ? Effect::rolled_back : Effect::committed;
}

Error Connection::failure(Operation& operation, const ServerError& said, const Attempt& attempt) {
    const bool over = operation.over();
    operation.settle();
    // An error does not say whether the transaction has survived it.
    if (!session_->broken() && (attempt.in_transaction || !session_->autocommit())) session_->probe();
    const Effect effect = effect_of(said, attempt);
    if (session_->broken()) at_known_ = false;
    const bool stopped = over && (session_->broken() || said.number == 1317 || said.number == 1969 ||
                                  said.number == 3024 || said.number == 2013);
    if (stopped) {
        const Error why = operation.error("the statement");
        return why.with_native("mysql", said.number).with_effect(effect);
    }
    Error error = server_error(said, attempt.sql).with_effect(effect);
    if (error.line() > 0)
        error = error.with_position(attempt.at.line + error.line() - 1,
                                    error.line() == 1 ? attempt.at.column + error.column() - 1 : error.column());
    if (session_->broken() && error.code() != Code::limit)
        return Error(Code::unavailable, is_lost(said.number) || said.number == 0
                                            ? "the connection to the server is lost"
                                            : error.message())
            .with_native("mysql", said.number)
            .with_effect(effect);
    const bool here = said.message.find("'" + target_ + "'") != std::string::npos;
    if (said.number == 1049 && !here) error = error.with_code(Code::sql_error);
    if (said.number == 1008 || (said.number == 1007 && !here)) error = error.with_code(Code::sql_error);
    if (said.number == 1046) error = error.with_code(Code::tenant_unknown);
    return error;
}

void Connection::fetch_warnings(uint32_t count) {
    if (count == 0 || session_->broken()) return;
    std::vector<std::vector<std::string>> rows;
    const Reply reply = session_->select("SHOW WARNINGS LIMIT " + std::to_string(warnings_max), rows);
    if (reply.kind == Reply::Kind::error) return;
    for (std::vector<std::string>& row : rows) {
        if (row.size() < 3) continue;
        notices_.push_back({row[0] != "Note", std::move(row[1]), base::excerpt(row[2], 300)});
    }
    if (count > rows.size()) notices_.push_back({true, {}, std::to_string(count - rows.size()) + " more warnings"});
}

namespace {

struct Script {
    std::string text;                 // the statements where they stand, without comments and empty ones
    std::vector<std::size_t> begins;  // of the statements
    Impact impact;
};

// None where the statements have to be run one by one: what changes the database or the transaction has its answer
// looked at before the next statement is sent.
std::optional<Script> script_of(std::string_view text) {
    if (has_hidden(text)) return std::nullopt;
    Script script;
    script.text.assign(text.size(), ' ');
    for (std::size_t at = 0; at < text.size();) {
        const std::string_view rest = text.substr(at);
        const db::StatementFacts facts = db::facts_of(rest, lexis);
        if (facts.end != facts.begin) {
            const std::string_view statement = rest.substr(facts.begin, facts.end - facts.begin);
            const Impact impact = impact_of(statement, facts);
            if (impact.uncertain || facts.control != db::Control::none || facts.parameters > 0) return std::nullopt;
            script.impact.holds = script.impact.holds || impact.holds;
            script.begins.push_back(at + facts.begin);
            std::copy(statement.begin(), statement.end(),
                      script.text.begin() + static_cast<std::ptrdiff_t>(at + facts.begin));
            if (facts.end < facts.tail) script.text[at + facts.end] = ';';
        }
        if (facts.tail == 0) return std::nullopt;
        at += facts.tail;
    }
    if (script.begins.size() < 2) return std::nullopt;
    script.text.resize(script.text.find_last_not_of(" ;") + 1);
    script.impact.dirty = true;
    return script;
}

}  // namespace

// Reads the answers of a script's statements up to the first error; `done`: those that ran.
Reply Connection::read_script(std::size_t& done, uint32_t& warnings) {
    Reply reply;
    do {
        reply = session_->read_reply();
        ServerError error;
        while (reply.kind == Reply::Kind::rows) {
            std::string_view packet;
            Session::Row row = Session::Row::row;
            while (row == Session::Row::row) row = session_->read_row(packet, error);
            reply.kind = row == Session::Row::end ? Reply::Kind::ok : Reply::Kind::error;
            reply.error = error;
        }
        note(reply);
        warnings += reply.warnings;
        if (reply.kind == Reply::Kind::ok) ++done;
    } while (reply.kind == Reply::Kind::ok && session_->more_results());
    return reply;
}

bool Connection::run_script(std::string_view text, int64_t& statements, const Wait& wait) {
    const std::optional<Script> script = script_of(text);
    if (!script) return false;
    enter(nullptr, wait);
    check_size(text.size());
    Operation operation(*session_, wait, Operation::Kill::allowed);
    stand(operation);
    note(script->impact);
    const bool nested = in_transaction();
    {
        const std::string_view on("\0\0", 2), off("\1\0", 2);
        const Session::Together together(*session_);
        session_->send(Command::set_option, on);
        session_->send(Command::query, script->text);
        session_->send(Command::set_option, off);
    }
    const bool allowed = session_->read_reply().kind == Reply::Kind::ok;
    std::size_t done = 0;
    uint32_t warnings = 0;
    const Reply reply = read_script(done, warnings);
    const bool forbidden = !session_->broken() && session_->read_reply().kind == Reply::Kind::ok;
    if (!allowed || !forbidden) session_->set_broken();
    statements = static_cast<int64_t>(done);
    if (reply.kind == Reply::Kind::ok) {
        operation.settle();
        fetch_warnings(warnings);
        return true;
    }
    const std::size_t begin = script->begins[std::min(done, script->begins.size() - 1)];
    const base::Position first = base::position_of(text, begin);
    const Error error = failure(operation, reply.error,
                                {true, false, nested, false, std::string_view(script->text).substr(begin), first});
    const base::Position at = error.line() > 0 ? base::Position{error.line(), error.column()} : first;
    const bool partly = done > 0 && !nested && error.effect() == Effect::rolled_back;
    throw error.with_statement(static_cast<int64_t>(done) + 1)
        .with_position(at.line, at.column)
        .with_effect(partly ? Effect::committed : error.effect());
}

// ---- transactions -------------------------------------------------------------------------------

void Connection::begin(const db::TransactionMode& mode, const Wait& wait) {
    if (in_transaction()) throw Error(Code::invalid_state, "a transaction is open already");
    enter(nullptr, wait);
    std::string_view level;
    switch (mode.isolation) {
        case db::Isolation::standard:
            break;
        case db::Isolation::read_committed:
            level = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED";
            break;
        case db::Isolation::repeatable_read:
            level = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ";
            break;
        case db::Isolation::serializable:
            level = "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE";
            break;
    }
    Operation operation(*session_, wait, Operation::Kill::allowed);
    stand(operation);
    used_ = true;
    {
        const Session::Together together(*session_);
        if (!level.empty()) session_->send(Command::query, level);
        session_->send(Command::query,
                       mode.read_only ? "START TRANSACTION READ ONLY" : "START TRANSACTION READ WRITE");
    }
    Reply first;
    if (!level.empty()) first = session_->read_reply();
    const Reply second = session_->read_reply();
    const Reply& failed = first.kind == Reply::Kind::error ? first : second;
    if (failed.kind == Reply::Kind::error) {
        const Error error = failure(operation, failed.error, {});
        if (in_transaction()) rollback();
        throw error;
    }
    operation.settle();
}

void Connection::control(std::string_view sql, const Attempt& attempt, const Wait& wait) {
    Operation operation(*session_, wait, Operation::Kill::allowed);
    const Reply reply = session_->run(sql);
    if (reply.kind == Reply::Kind::error) throw failure(operation, reply.error, attempt);
    note(reply);
    operation.settle();
}

void Connection::commit(const Wait& wait) {
    enter(nullptr, wait);
    control("COMMIT AND NO CHAIN NO RELEASE", {true, true, in_transaction(), true, {}}, wait);
}

void Connection::rollback() {
    if (!in_transaction()) return;
    if (reading_ != nullptr) throw Error(Code::invalid_state, "the rows of a statement are still being read");
    const Wait wait{Deadline::in(control_grace), nullptr, nullptr};
    Operation operation(*session_, wait, Operation::Kill::allowed);
    const Reply reply = session_->run("ROLLBACK AND NO CHAIN NO RELEASE");
    operation.settle();
    if (reply.kind == Reply::Kind::ok && !in_transaction()) return;
    session_->set_broken();
    throw Error(Code::io, "the transaction cannot be rolled back: the connection is closed")
        .with_native("mysql", reply.error.number)
        .with_effect(Effect::rolled_back);
}

void Connection::bounded(std::string_view verb, std::string_view name) {
    const Wait wait{Deadline::in(control_grace), nullptr, nullptr};
    enter(nullptr, wait);
    control(std::string(verb) + quoted(name), {false, false, in_transaction(), true, {}}, wait);
}

// ---- leases -------------------------------------------------------------------------------------

db::Reuse Connection::end_lease() noexcept {
    try {
        insert_id_ = 0;
        notices_.clear();
        if (session_->broken() || reading_ != nullptr) return db::Reuse::discard;
        if (in_transaction()) rollback();
        reset_due_ = reset_due_ || dirty_;  // in front of the next lease's first statement, whosever it is
        if (holds_) {  // a lock must not wait for the next lease
            const Wait wait{Deadline::in(control_grace), nullptr, nullptr};
            const Operation operation(*session_, wait, Operation::Kill::never);
            closing_.clear();
            {
                const Session::Together together(*session_);
                session_->send_reset();
            }
            at_known_ = false;
            if (!reset_session() || !session_->restore_role()) return db::Reuse::discard;
        }
        return session_->broken() ? db::Reuse::discard : db::Reuse::clean;
    } catch (...) {
        return db::Reuse::discard;
    }
}

int64_t Connection::memory_bytes() const {
    constexpr int64_t of_library = 24'000;  // its structures
    return of_library + session_->buffer_bytes();
}

}  // namespace mtdb::backends::mysql
