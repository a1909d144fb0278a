// SPDX-License-Identifier: MIT
// A session that stands in one tenant's database after another. What proves that a statement runs in the tenant's
// database: the default database is changed by a command whose answer is awaited before the statement is sent, and
// again whenever the session may have left it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/mysql/session.hpp"
#include "base/text.hpp"
#include "db/connection.hpp"
#include "db/facts.hpp"

namespace mtdb::backends::mysql {

class Statement;

// What the words of a statement say of the session it runs in.
struct Impact {
    bool uncertain = false;  // afterwards the session may stand in any database, and may not tell
    bool dirty = false;      // leaves something in the session
    bool holds = false;      // takes a lock that outlives it
    bool partly = false;     // when it fails, some of it may be done: it runs statements, or names several things
    bool plain = true;       // its placeholders are surely where the lexer sees them
};
Impact impact_of(std::string_view sql, const db::StatementFacts& facts);
// Has comments that the server runs.
bool has_hidden(std::string_view sql) noexcept;

inline constexpr db::Lexis lexis{
    .style = db::PlaceholderStyle::question,
    .backtick_quotes = true,
    .bracket_quotes = false,
    .nested_comments = false,
    .dollar_quotes = false,
    .escape_strings = false,
    .backslash_escapes = true,
    .hash_comments = true,
    .question_operators = false,
    .named_sigils = "",
};
// A database of the server's own: no tenant stands in it.
bool is_system(std::string_view database) noexcept;
// Throws unless a tenant may have a database of that name; `folded`: on a server that folds names.
void check_name(std::string_view database, bool folded);
// As an identifier, quoted.
std::string quoted(std::string_view name);
// As an expression of the server's that yields the bytes.
std::string literal(std::string_view text);

// What was so before a statement ran; decides what its failure did.
struct Attempt {
    bool writes = false;
    bool ends_transaction = false;  // COMMIT
    bool in_transaction = false;
    bool undone_with_it = false;  // by a rollback of the transaction
    std::string_view sql = {};
    base::Position at = {};  // of the statement in the caller's text
    bool partly = false;     // as in Impact
    bool calls = false;      // functions that may write
};

class Connection;
// A statement may outlive its connection: then it has none to tell.
struct Link {
    Connection* connection;
};

class Connection final : public db::Connection {
public:
    // `own`: stands in the url's own database (which may be none), and is pinned there by an empty path.
    Connection(std::unique_ptr<Session> session, bool own);
    ~Connection() override;

    std::unique_ptr<db::Statement> prepare(std::string_view sql, std::string_view* tail, const Wait& wait) override;
    void pin(const db::Place& place, bool another) noexcept override;
    std::string standing(const Wait& wait) override;
    bool run_script(std::string_view text, int64_t& statements, const Wait& wait) override;
    bool has_sent() const noexcept override { return session_->has_sent(); }
    bool has_notices() const noexcept override { return !notices_.empty(); }
    std::vector<db::Notice> take_notices() override { return std::exchange(notices_, {}); }

    bool in_place() noexcept override { return !session_->broken(); }
    bool in_transaction() const override { return session_->in_transaction(); }
    void begin(const db::TransactionMode& mode, const Wait& wait) override;
    void commit(const Wait& wait) override;
    void rollback() override;
    void savepoint(std::string_view name) override { bounded("SAVEPOINT ", name); }
    void rollback_to(std::string_view name) override { bounded("ROLLBACK TO SAVEPOINT ", name); }
    void release_savepoint(std::string_view name) override { bounded("RELEASE SAVEPOINT ", name); }

    int64_t insert_id() const override { return static_cast<int64_t>(insert_id_); }
    void mark_lease() noexcept override { insert_id_ = 0; }
    db::Reuse end_lease() noexcept override;
    int64_t memory_bytes() const override;
    void shed_memory() noexcept override {}
    int64_t log_pages() const noexcept override { return 0; }

    // ---- for statements

    Session& session() noexcept { return *session_; }
    const Session& session() const noexcept { return *session_; }
    // Throws unless a statement can be sent: Error(unavailable), Error(invalid_state) while another is read.
    void enter(const Statement* statement, const Wait& wait);
    // Awaits that the session stands where it is pinned. Within an Operation.
    void stand(const Operation& operation);
    // The database that it stands in, and how often everything prepared in it was forgotten.
    const std::string& database() const noexcept { return at_; }
    uint64_t epoch() const noexcept { return epoch_; }
    // The session's settings may not be those that were set up.
    bool is_dirty() const noexcept { return dirty_; }
    void note(const Impact& impact) noexcept;
    void note(const Reply& reply);
    void set_reading(const Statement* statement) noexcept { reading_ = statement; }
    const Statement* reading() const noexcept { return reading_; }
    void close_later(uint32_t statement) { closing_.push_back(statement); }
    std::shared_ptr<Link> link() const noexcept { return link_; }
    // Of a reply that is an error: what it means and what it did. Settles the operation.
    Error failure(Operation& operation, const ServerError& said, const Attempt& attempt);
    // After a writing statement that has warnings.
    void fetch_warnings(uint32_t count);
    bool idle() const noexcept { return reading_ == nullptr; }
    void check_size(std::size_t bytes) const;

private:
    Error unplaced(const Operation& operation, const ServerError& said) const;
    Effect effect_of(const ServerError& said, const Attempt& attempt) const noexcept;
    void bounded(std::string_view verb, std::string_view name);
    void control(std::string_view sql, const Attempt& attempt, const Wait& wait);
    bool reset_session();
    Reply read_script(std::size_t& done, uint32_t& warnings);
    void check_placement() const;
    void send_closes();

    std::unique_ptr<Session> session_;
    const bool own_;
    std::string own_database_;
    std::string target_;  // where it is pinned
    bool has_target_;     // false: nowhere yet
    std::string at_;      // where it stands, if known
    bool at_known_ = true;
    bool pin_failed_ = false;  // there was no memory to say where
    bool trusted_ = true;      // the session tells when it leaves
    bool used_ = false;        // since it was opened or reset
    bool dirty_ = false;
    bool holds_ = false;
    bool reset_due_ = false;
    bool look_due_ = false;  // it was idle: the server may have closed it
    uint64_t epoch_ = 0;
    uint64_t insert_id_ = 0;
    const Statement* reading_ = nullptr;
    std::vector<uint32_t> closing_;
    std::vector<db::Notice> notices_;
    std::shared_ptr<Link> link_;
};

}  // namespace mtdb::backends::mysql
