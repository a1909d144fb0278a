// SPDX-License-Identifier: MIT
// One session on a server, in packets: commands go out, replies come in, waits are the caller's. What a statement
// means is not known here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/mysql/conninfo.hpp"
#include "backends/mysql/errors.hpp"
#include "backends/mysql/libmariadb.hpp"
#include "backends/mysql/values.hpp"
#include "base/poll.hpp"
#include "base/wait.hpp"

namespace mtdb::backends::mysql {

enum class Command : uint8_t {
    quit = 0x01,
    init_db = 0x02,
    query = 0x03,
    prepare = 0x16,
    execute = 0x17,
    close_statement = 0x19,
    set_option = 0x1b,
    reset_connection = 0x1f,
    execute_bulk = 0xfa,
};

struct Reply {
    enum class Kind { ok, rows, error };
    Kind kind = Kind::ok;
    ServerError error = {};
    uint64_t affected = 0;
    uint64_t insert_id = 0;
    uint32_t warnings = 0;
    std::vector<Field> fields = {};          // of rows; empty when the server left them out as known
    std::optional<std::string> schema = {};  // the session's new database, as the server tells of it
};

// What a prepared statement is on the server.
struct Prepared {
    uint32_t id = 0;
    uint32_t parameters = 0;
    std::vector<Field> fields;
};

class Session;

// While it lives, the waits of its session's packets are `wait`'s. When that is over and a statement runs, the
// statement is killed through a connection of its own, and the reply is awaited for the grace.
class Operation {
public:
    enum class Kill { allowed, never };
    Operation(Session& session, const Wait& wait, Kill kill);
    Operation(const Operation&) = delete;
    ~Operation();

    // The wait was over before the reply was there.
    bool over() const noexcept { return over_; }
    // Between rows: begins to cancel when the wait is over.
    void look() noexcept;
    // Cancels now, whatever the wait says.
    void interrupt() noexcept;
    // The reply is here: no kill of ours is on its way to the session any more, or the session is broken.
    void settle() noexcept;
    Error error(const char* what) const { return wait_->error(what); }

private:
    friend class Session;
    struct Killer;
    int await(int fd, bool reading) noexcept;
    static int on_wait(my_socket fd, my_bool reading, int timeout) noexcept;
    static thread_local Operation* current_;

    Session* session_;
    const Wait* wait_;
    Kill kill_;
    bool over_ = false;
    bool settled_ = false;
    int owned_fd_;  // made close-on-exec already
    Deadline grace_ = Deadline::never();
    Waker* waker_;
    std::unique_ptr<Killer> killer_;
    Operation* outer_;
};

class Session {
public:
    // Throws what connect_error() makes of a failure, Error(timeout), Error(cancelled). `database` may be empty.
    Session(std::shared_ptr<const Conninfo> conninfo, const std::string& database, const Wait& wait);
    Session(const Session&) = delete;
    ~Session();

    const Conninfo& conninfo() const noexcept { return *conninfo_; }
    const std::shared_ptr<const Conninfo>& shared_conninfo() const noexcept { return conninfo_; }
    // Forgets everything of the session but its database: three commands to be sent, and their answers. False: the
    // session is broken.
    void send_reset() noexcept;
    bool read_reset();
    // After it, and after what was sent behind it was answered: gives up a role that was taken. Rarely a trip.
    bool restore_role();

    bool is_mariadb() const noexcept { return mariadb_; }
    // The server takes an EXECUTE right behind its PREPARE.
    bool direct() const noexcept { return direct_; }
    void forbid_direct() noexcept { direct_ = false; }
    bool tracks_schema() const noexcept { return tracks_; }
    bool folds_names() const noexcept { return folds_names_; }
    uint64_t packet_max() const noexcept { return packet_max_; }
    unsigned long id() const noexcept { return id_; }
    int fd() const noexcept { return fd_; }
    // Which server it is, as the server says.
    const std::string& server() const noexcept { return server_; }
    int64_t buffer_bytes() const noexcept { return static_cast<int64_t>(mysql_->net.max_packet); }
    // For a kill: the host of conninfo's that it is connected to, and whether its id is the server's own.
    std::size_t host() const noexcept { return host_; }
    bool can_kill() const noexcept { return can_kill_; }
    // Rows of parameters in one command.
    bool bulk() const noexcept { return bulk_; }
    void forbid_bulk() noexcept { bulk_ = false; }

    // Nothing can be sent any more.
    bool broken() const noexcept { return broken_; }
    void set_broken() noexcept { broken_ = true; }
    bool in_transaction() const noexcept { return !broken_ && (status_ & status_in_transaction) != 0; }
    bool autocommit() const noexcept { return (status_ & status_autocommit) != 0; }
    bool more_results() const noexcept { return (status_ & status_more_results) != 0; }
    // Not closed by the server while nobody looked.
    bool alive() noexcept;

    // Whether a command went out since it was forgotten.
    bool has_sent() const noexcept { return sent_; }
    void forget_sent() noexcept { sent_ = false; }
    // Within an Operation. False: the session is broken; said() says how.
    bool send(Command command, std::string_view payload) noexcept;
    // Commands sent while one of these lives go out in one write, when it ends.
    class Together {
    public:
        explicit Together(Session& session) noexcept : session_(session) {
            session.gathering_ = !session.encrypted_;
        }
        Together(const Together&) = delete;
        ~Together() { session_.send_gathered(); }

    private:
        Session& session_;
    };
    // Reads a reply up to its rows.
    Reply read_reply();
    // The reply to PREPARE.
    std::optional<ServerError> read_prepared(Prepared& prepared);
    enum class Row { row, end, error };
    // `packet` lives until the next read; one byte behind it is writable.
    Row read_row(std::string_view& packet, ServerError& error);
    // Reads and drops what is left of rows that were begun, and the results behind them.
    Row drain(ServerError& error);
    // The results behind an answer that says there are more.
    Row drain_more(ServerError& error);
    // The statement's text and its reply, rows dropped.
    Reply run(std::string_view sql);
    // The same with the text of the first row's columns; empty when there is no row.
    Reply select(std::string_view sql, std::vector<std::vector<std::string>>& rows);
    const ServerError& said() const noexcept { return said_; }
    // Asks for the session's state, which an error does not tell.
    void probe() noexcept;

    Waker& waker() noexcept { return waker_; }

private:
    static constexpr uint32_t status_in_transaction = 1;
    static constexpr uint32_t status_autocommit = 2;
    static constexpr uint32_t status_more_results = 8;
    static constexpr uint32_t status_session_changed = 1U << 14;

    void connect(const std::string& database, const Wait& wait);
    bool connect_to(std::size_t host, const std::string& database, bool encrypted, const Wait& wait);
    void set_options(bool encrypted);
    void set_up();
    void send_gathered() noexcept;
    void fail_sending() noexcept;
    Reply read_selected(std::vector<std::vector<std::string>>& rows);
    std::optional<std::string_view> read_packet();  // nullopt: said() is an error packet, or the session is broken
    void read_ok(std::string_view packet, Reply& reply);
    std::vector<Field> read_fields(uint64_t count);
    void read_end(std::string_view packet);
    Reply refused() const;

    std::shared_ptr<const Conninfo> conninfo_;
    MYSQL* mysql_ = nullptr;
    Waker waker_;
    std::string setup_;  // the settings that are ours, as one statement: a reset undoes them
    std::string role_;   // at first
    std::string server_;
    std::size_t host_ = 0;
    ServerError said_;
    uint32_t status_ = status_autocommit;
    unsigned long id_ = 0;
    uint64_t packet_max_ = 0;
    int fd_ = -1;
    bool broken_ = false;
    bool sent_ = false;  // a command, since forget_sent()
    bool mariadb_ = false;
    bool direct_ = false;
    bool bulk_ = false;
    bool can_kill_ = false;
    bool tracks_ = false;
    bool folds_names_ = false;
    bool encrypted_ = false;
    bool role_left_ = false;
    bool gathering_ = false;
    std::string gathered_;
};

}  // namespace mtdb::backends::mysql
