// SPDX-License-Identifier: MIT
// A connection that shows one tenant at a time: whatever it sends is a flight, one trip in which the server itself
// checks that the session stands in the tenant's namespace before anything else runs.
#pragma once

#include <array>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/postgres/errors.hpp"
#include "backends/postgres/libpq.hpp"
#include "backends/postgres/link.hpp"
#include "backends/postgres/values.hpp"
#include "db/connection.hpp"
#include "db/facts.hpp"

namespace mtdb::backends::postgres {

class CopyStatement;
class Statement;

constexpr db::Lexis lexis{
    .style = db::PlaceholderStyle::dollar,
    .backtick_quotes = false,
    .bracket_quotes = false,
    .nested_comments = true,
    .dollar_quotes = true,
    .escape_strings = true,
    .return_ends_comments = true,
    .question_operators = true,
    .named_sigils = "",
};

// What stands between us and the server.
enum class Pooling {
    none,
    session,     // keeps the server's session for as long as the client is there
    transaction  // only as long as a transaction: nothing of a session may be relied on
};

// What every connection of one backend shares.
struct Config {
    std::string path_tail;   // of every tenant's search path, behind its namespace
    std::vector<std::string> extensions;  // schemas of extensions, in it
    bool copy_rows = false;  // rows of a block go by COPY where the statement is a plain INSERT
    std::shared_ptr<Strays> strays = std::make_shared<Strays>();
    // The name of a type that we have no rule for, in the database that `server` leads to; empty: not known.
    std::function<std::string(const std::string& server, Oid oid)> type_name;
};

// What the server says besides its answers. Bounded: the oldest stay.
class Notices {
public:
    static void receive(void* self, const PGresult* result) noexcept;
    bool any() const noexcept { return !kept_.empty(); }
    std::vector<db::Notice> take() { return std::exchange(kept_, {}); }

private:
    std::vector<db::Notice> kept_;
};

// The names of prepared statements. Shared with the statements, which may outlive their connection.
struct Names {
    bool open = true;    // the connection is there
    uint32_t epoch = 0;  // another when what was prepared may be gone
    uint64_t last = 0;
    std::vector<std::string> closing;  // nobody's any more, to be closed by a later flight
};

// A path's element or a name, in quotes.
std::string quoted(std::string_view name);
// A value of ours in the text of a query.
std::string literal(std::string_view text);

// The word behind the verb, in upper case.
std::string second_word(std::string_view sql, const db::StatementFacts& facts);
// "t (a, b)" of "INSERT INTO t (a, b) VALUES ($1, $2)" with nothing else in it; else empty.
std::string insert_target(std::string_view sql);
// Whether a text has a word (given in lower case), whatever it stands for: also inside of what is quoted.
bool mentions(std::string_view sql, std::string_view word);
// Whether it may take an advisory lock that the session keeps.
bool takes_session_lock(std::string_view sql);
// Whether it has one that may find a prepared statement of SQL's.
bool uses_prepared(std::string_view sql);
// Whether a COPY's data comes from us or goes to us, not a file of the server's.
enum class CopyWay : uint8_t { none, in, out };
CopyWay copy_way(std::string_view sql, const db::StatementFacts& facts);
// Its data, as it is sent.
struct CopyRows {
    int32_t count = 0;
    std::function<std::string_view(int32_t row)> at;
};
// The rows that a command wrote.
int64_t affected_of(const PGresult* result);

class Connection final : public db::Connection {
public:
    // `standard_startup`: the settings that values are read under were given at the start.
    Connection(std::unique_ptr<Link> link, std::unique_ptr<Notices> notices, std::shared_ptr<const Config> config,
               std::string server, Pooling pooling, bool standard_startup);
    ~Connection() override;

    std::unique_ptr<db::Statement> prepare(std::string_view sql, std::string_view* tail, const Wait& wait) override;
    void pin(const db::Place& place, bool another) noexcept override;
    std::string standing(const Wait& wait) override;
    bool run_script(std::string_view text, int64_t& statements, const Wait& wait) override;
    bool has_sent() const noexcept override { return sent_; }
    bool run_batch(std::span<db::BatchItem> items, const Wait& wait) override;
    bool read_tables(std::span<const std::string> tables, const db::TableRow& on_row, const Wait& wait) override;
    bool has_notices() const noexcept override { return notices_->any(); }
    std::vector<db::Notice> take_notices() override { return notices_->take(); }

    bool in_place() noexcept override { return !link_->lost(); }
    // A failed transaction counts while there is a savepoint to go back to.
    bool in_transaction() const override;
    void begin(const db::TransactionMode& mode, const Wait& wait) override;
    void commit(const Wait& wait) override;
    void rollback() override;
    void savepoint(std::string_view name) override;
    void rollback_to(std::string_view name) override;
    void release_savepoint(std::string_view name) override;

    int64_t insert_id() const override { return 0; }
    void mark_lease() noexcept override {}
    db::Reuse end_lease() noexcept override;
    int64_t memory_bytes() const override;
    void shed_memory() noexcept override {}
    int64_t log_pages() const noexcept override { return 0; }

    // Round trips so far: for tests and benchmarks.
    int64_t trips() const noexcept { return trips_; }
    Pooling pooling() const noexcept { return pooling_; }
    // Called right after it was opened: what stands in between was found out with it.
    void set_pooling(Pooling pooling, bool standard_startup) noexcept {
        pooling_ = pooling;
        standard_startup_ = standard_startup;
    }
    // False: the server closed it while nothing was asked.
    bool still_there() { return !link_->lost() && !link_->closed_by_server(); }
    // One value, wherever the session stands; empty for NULL and for no row.
    std::string ask_unplaced(const char* sql, const Wait& wait);
    // What the server says, and what it said at the start, about which of its processes serves us.
    bool served_by_another(const Wait& wait);

private:
    friend class CopyStatement;
    friend class Statement;

    // What stands in front of a simple query's text. Its last statement is the guard.
    struct Prefix {
        std::string text;
        int32_t statements = 0;
    };
    // What a step of a flight is for: it decides what its failure means.
    enum class Part : uint8_t {
        close,
        forget,
        setup,
        clean,
        pin,
        guard,
        control,
        prepare,
        setup_rows,
        execute,
        sync
    };
    enum class Own : uint8_t {
        guard,
        pin,
        clean,
        clean_pin,
        close_all,
        reset_all,
        unlisten,
        drop_temporary,
        drop_sequences,
        begin,
        commit
    };
    static constexpr std::size_t own_count = 11;
    struct Step {
        Part part;
        Own own = Own::guard;  // of setup
        uint32_t item = 0;     // of a batch, from 1; 0: of none
    };
    // The first thing that went wrong in a flight.
    struct Failure {
        Part part;
        std::string sqlstate;
        Error error;
        uint32_t item = 0;
    };
    // Ending what the server runs, because the wait for it is over.
    struct Stop {
        Error reason;
        Deadline grace;
        std::unique_ptr<CancelRequest> request;
        base::milliseconds again{5};  // a request that came before its statement did nothing
        Wait slice() const { return Wait{grace.earlier(Deadline::in(again)), nullptr, nullptr}; }
    };
    enum class Tx : uint8_t {
        none,
        begun,  // nothing of it is sent yet
        open,
        failed  // the server takes nothing but its end, or the way back to a savepoint
    };
    enum class Guarded : uint8_t { yes, no };

    // ---- flights: queue, send, read
    void check_ready(const Wait& wait);
    void start_flight(std::string_view sql, bool writes);
    void queue_prefix(Guarded guarded, const char* wrap = nullptr);
    void queue_closing();
    void queue_place();
    void queue_clean();
    void queue_resets();
    void queue_begin();
    void queue_own(Own own, Part part, std::initializer_list<const char*> values = {});
    void queue_prepare(const char* name, const char* sql, Step step);
    void queue_prepared(const char* name, const Parameters::View& parameters, Format results, Part part);
    void queue_query(const char* sql, const Parameters::View& parameters, Part part);
    void queue_text(const std::string& sql, Part part);
    void queue_sync();
    void sent(int result);
    void send(const Wait& wait);
    ResultHandle get(const Wait& wait);
    bool read_to_execute(const Wait& wait);
    void read_step(const Wait& wait);
    void read_ready();
    bool take_result(const ResultHandle& result);
    void end_step();
    void step_done(const Step& step);
    void segment_done();
    void note_failure(Part part, const PGresult* result);
    void finish_flight(const Wait& wait);
    void flight_done();
    void settle_flight(const Wait& wait);
    void run_flight(const Wait& wait);  // one without rows: sends and reads it whole, throws its failure
    void stop(const Wait& wait);
    void settle_stop() noexcept;
    [[noreturn]] void throw_failure();
    [[noreturn]] void throw_lost();
    Effect effect_of_failure() const noexcept;
    bool may_resend(Statement* statement);
    bool mends(const Failure& failure, Statement* statement);

    // ---- what Statement asks for
    void execute(Statement& statement, const Wait& wait);
    void check_transaction(const db::StatementFacts& facts) const;
    void queue_around(Statement& statement);
    bool may_resend_script();
    void execute_alone(Statement& statement, const Wait& wait);
    int64_t execute_rows(Statement& statement, const db::BlockView& rows, const Wait& wait);
    void queue_rows(Statement& statement, const db::BlockView& rows, int32_t together, const Wait& wait);
    bool make_way(const Wait& wait);
    bool give_way(const Wait& wait);
    void undo_queued(const Wait& wait);
    void check_batch(std::span<const db::BatchItem> items) const;
    void queue_batch(const Wait& wait);
    void queue_item(std::size_t index);
    void finish_batch(const Wait& wait);
    void note_batch();
    void read_singly() noexcept;
    void note_item(uint32_t item, const PGresult* result) noexcept;
    Statement& batch_statement(uint32_t item) const noexcept;
    [[noreturn]] void fail_batch();
    int64_t copy_rows(Statement& statement, const db::BlockView& rows, const Wait& wait);
    int64_t send_copy(Statement& statement, const db::BlockView& rows, const Wait& wait);
    void put_copy(std::string_view bytes, const Wait& wait);
    void place_copy(const Wait& wait);
    Prefix copy_prefix() const;
    void open_copy(CopyStatement& statement, const Wait& wait);
    bool read_copy(CopyStatement& statement, const Wait& wait);
    void end_copy(const Wait& wait);
    void settle_copy(const Wait& wait);
    int64_t feed_copy(CopyStatement& statement, const CopyRows& rows, const Wait& wait);
    int64_t feed_guarded(CopyStatement& statement, const CopyRows& rows, const Wait& wait);
    void put_rows(const CopyRows& rows, const Wait& wait);
    int next_copy(char** data, const Wait& wait);
    bool copy_tables(std::string_view sql, const db::TableRow& on_row, std::exception_ptr& refused, const Wait& wait);
    void read_table(std::size_t table, const db::TableRow& on_row, std::exception_ptr& refused, const Wait& wait);
    void leave_pipeline();
    void enter_pipeline();
    ResultHandle next_row(const Wait& wait);  // null: the flight is over, and what it did is done
    void abandon(const db::Statement& statement) noexcept;
    bool stopping() const noexcept { return stop_.has_value(); }
    void refuse_behind_pooler(const db::StatementFacts& facts, std::string_view sql) const;

    // Alone as a simple query, once the session stands where it must; `on_result` gets each result.
    void run_simple(const Prefix& prefix, std::string_view sql, const Wait& wait,
                    const std::function<void(const PGresult*)>& on_result);
    void send_simple(std::string_view prefix, std::string_view sql, bool writes, const Wait& wait);
    void stand(const Wait& wait);
    std::string guard_text() const;

    bool server_in_transaction() const noexcept { return tx_ == Tx::open || tx_ == Tx::failed; }
    bool placed() const noexcept { return !namespace_.empty(); }
    void end_transaction() noexcept;
    void give_up_transaction() noexcept;
    void forget_prepared() noexcept;
    std::string own_sql(Own own) const;

    const Libpq& pq_ = libpq();
    std::unique_ptr<Notices> notices_;
    std::unique_ptr<Link> link_;
    std::shared_ptr<const Config> config_;
    const std::string server_;
    Pooling pooling_;
    bool standard_startup_;

    // Where the session must stand, and whether it does as far as we know. The guard knows better.
    std::string namespace_;
    std::string path_;
    bool pinned_ = false;
    bool clean_due_ = false;      // a clean-up must go in front of the next statement
    bool clean_apart_ = false;    // in a transaction of its own, in front of the pin's
    bool session_dirty_ = false;  // this lease changed the session
    bool listens_ = false;        // so may this session, and it only ends with a transaction
    bool holds_ = false;          // it may have a lock that others wait for
    bool look_due_ = false;       // the first flight of a lease looks whether the server is still there
    bool sent_ = false;           // a flight of this lease

    // Prepared statements at the server.
    std::array<bool, own_count> prepared_{};
    std::array<std::string, own_count> own_names_;
    std::shared_ptr<Names> names_ = std::make_shared<Names>();
    uint32_t shape_epoch_ = 0;       // another when results may have other columns
    bool foreign_prepared_ = false;  // statements may be there that are not ours
    bool others_prepared_ = false;   // another tenant may have left some that no word of its SQL gave away
    bool forget_due_ = false;

    Tx tx_ = Tx::none;
    std::string begin_sql_;
    std::vector<std::string> queued_controls_;  // SAVEPOINT and RELEASE that go with the next flight
    std::vector<std::string> savepoints_;
    bool raw_savepoints_ = false;  // made by SQL: their names are not known
    bool tx_moved_ = false;        // the path may change when the transaction ends
    bool rollback_due_ = false;    // the server still has a failed transaction that is over for us

    // The flight under way.
    std::vector<Step> steps_;
    std::size_t step_ = 0;
    bool flight_open_ = false;
    bool flight_writes_ = false;
    bool flight_commits_ = false;
    bool flight_calls_ = false;       // functions that may write
    bool flight_may_commit_ = false;  // a procedure, which may have committed before it failed
    bool flight_in_tx_ = false;
    bool flight_moves_ = false;   // what it runs may move the session
    bool flight_undone_ = false;  // it ends in a failure of our own
    bool flight_begins_ = false;  // a transaction that nothing of was sent before
    bool queued_pin_ = false;
    bool queued_clean_ = false;
    bool segment_pins_ = false;  // of the segment being read
    bool segment_cleans_ = false;
    bool segment_failed_ = false;
    std::vector<std::string> begun_controls_;  // as they were before such a flight
    std::vector<std::string> begun_savepoints_;
    bool abandoned_ = false;  // nobody wants its rows
    bool step_failed_ = false;
    int64_t rows_affected_ = 0;  // by all of its executions
    Statement* preparing_ = nullptr;
    std::function<void()> copies_;  // sends the rows that a COPY asks for
    std::string_view flight_sql_;
    int64_t flight_prefix_ = 0;  // characters of ours in front of it
    std::optional<Failure> failure_;
    std::optional<Stop> stop_;
    db::Statement* reader_ = nullptr;
    std::span<db::BatchItem> batch_;  // that the flight is
    bool copying_ = false;            // it is a COPY whose data is on its way to us
    bool tainted_ = false;  // never clean again
    int64_t trips_ = 0;
};

}  // namespace mtdb::backends::postgres
