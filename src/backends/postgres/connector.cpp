// SPDX-License-Identifier: MIT
#include "backends/postgres/connector.hpp"

#include <utility>

#include "backends/postgres/statement.hpp"
#include "base/error.hpp"

namespace mtdb::backends::postgres {
namespace {

constexpr base::milliseconds type_name_wait{5000};
constexpr std::size_t type_names_max = 10'000;

std::string database_in(const Keywords& keywords) {
    for (const char* key : {"dbname", "user"})
        if (const auto found = keywords.find(key); found != keywords.end() && !found->second.empty())
            return found->second;
    return {};
}

// Keywords of another server may stand for any pooler; what was found out holds for the url's own.
bool same_server(const std::string& server) {
    return server.empty() ||
           (server.starts_with('?') && server.find("host") == server.npos && server.find("port") == server.npos);
}

}  // namespace

Connector::Connector(Keywords base, ConnectOptions options, PoolerOption pooler, bool parked, Config config)
    : base_(std::move(base)),
      options_(std::move(options)),
      parked_(parked),
      base_database_(database_in(base_)),
      config_(std::make_shared<Config>(std::move(config))),
      pooler_(pooler) {}

void Connector::serve_type_names() {
    config_->type_name = [self = weak_from_this()](const std::string& server, Oid oid) {
        const auto connector = self.lock();
        return connector == nullptr ? std::string() : connector->type_name(server, oid);
    };
}

std::string Connector::database_of(const std::string& server) const { return database_in(for_server(base_, server)); }

std::unique_ptr<Connection> Connector::open(const std::string& server, const Wait& wait) {
    auto connection = connect(for_server(base_, server), server, wait);
    check_extensions(*connection, server, wait);
    return connection;
}

// These schemas stand in every tenant's path: a table there would be everybody's. Asked once per server.
void Connector::check_extensions(Connection& connection, const std::string& server, const Wait& wait) {
    if (config_->extensions.empty()) return;
    {
        const std::lock_guard lock(mutex_);
        if (checked_.contains(server)) return;
    }
    std::string names;
    for (const std::string& name : config_->extensions) {
        names += names.empty() ? "'" : ", '";
        for (const char c : name) names += c == '\'' ? "''" : std::string(1, c);
        names += "'";
    }
    const std::string foreign = connection.ask_unplaced(
        ("SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
         " ON n.oid = c.relnamespace WHERE n.nspname IN (" + names + ")"
         " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid ="
         " 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('e', 'i', 'a')"
         " AND d.objid = c.oid) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') ORDER BY 1 LIMIT 1")
            .c_str(),
        wait);
    if (!foreign.empty())
        throw Error(Code::invalid_argument, "option postgres.extensions: '" + foreign +
                                                "' belongs to no extension, and every tenant would see it");
    const std::lock_guard lock(mutex_);
    checked_.insert(server);
}

std::unique_ptr<Connection> Connector::open_beside(const std::string& server, const Wait& wait) {
    Keywords keywords = for_server(base_, server);
    keywords["dbname"] = base_database_.empty() ? "postgres" : base_database_;
    return connect(keywords, server, wait);
}

std::unique_ptr<Connection> Connector::dial(const Keywords& keywords, const std::string& server, Startup startup,
                                            Pooling pooling, const Wait& wait) {
    const ConnectPlan plan = plan_connect(keywords, options_, startup);
    auto notices = std::make_unique<Notices>();
    auto link = Link::connect(plan, config_->strays, wait, &Notices::receive, notices.get());
    return std::make_unique<Connection>(std::move(link), std::move(notices), config_, server, pooling,
                                        startup != Startup::bare);
}

std::unique_ptr<Connection> Connector::connect(const Keywords& keywords, const std::string& server,
                                               const Wait& wait) {
    PoolerOption pooler = PoolerOption::none;
    {
        const std::lock_guard lock(mutex_);
        pooler = pooler_;
    }
    const bool own = same_server(server);
    if (!own && pooler == PoolerOption::none) pooler = PoolerOption::find_out;
    if (pooler == PoolerOption::transaction) return dial(keywords, server, Startup::bare, Pooling::transaction, wait);
    const auto learn = [&](PoolerOption found) {
        const std::lock_guard lock(mutex_);
        if (own && pooler_ == PoolerOption::find_out) pooler_ = found;
    };
    const Pooling pooling = pooler == PoolerOption::session ? Pooling::session : Pooling::none;
    std::unique_ptr<Connection> connection;
    try {
        connection = dial(keywords, server, parked_ ? Startup::parked : Startup::plain, pooling, wait);
    } catch (const Error& error) {
        const bool refused = error.message().find("unsupported startup parameter") != std::string::npos;
        if (!refused || pooler == PoolerOption::none) throw;
        if (pooler == PoolerOption::session) return dial(keywords, server, Startup::bare, Pooling::session, wait);
        connection = dial(keywords, server, Startup::bare, Pooling::transaction, wait);
        learn(PoolerOption::transaction);
        return connection;
    }
    if (pooler != PoolerOption::find_out) return connection;
    if (connection->served_by_another(wait)) {
        connection->set_pooling(Pooling::transaction, false);
        learn(PoolerOption::transaction);
    } else {
        learn(PoolerOption::none);
    }
    return connection;
}

// ---- our own connections ------------------------------------------------------------------------

Connector::Admin Connector::admin(const std::string& server, Where where, const Wait& wait) {
    const std::string key = (where == Where::beside ? "beside " : "in ") + server;
    {
        const std::lock_guard lock(mutex_);
        if (kept_ != nullptr && kept_key_ == key) {
            std::unique_ptr<Connection> connection = std::move(kept_);
            connection->pin({}, false);  // looks whether it is still there
            if (connection->still_there()) return {*this, key, std::move(connection)};
        }
    }
    return {*this, key, where == Where::beside ? open_beside(server, wait) : open(server, wait)};
}

Connector::Admin::~Admin() {
    if (connection_ == nullptr || connection_->end_lease() != db::Reuse::clean) return;
    const std::lock_guard lock(owner_->mutex_);
    owner_->kept_key_.swap(key_);
    owner_->kept_.swap(connection_);
}

std::string Connector::type_name(const std::string& server, Oid oid) noexcept {
    try {
        const auto key = std::make_pair(server, oid);
        {
            const std::lock_guard lock(mutex_);
            if (const auto found = type_names_.find(key); found != type_names_.end()) return found->second;
        }
        const Wait wait{Deadline::in(type_name_wait), nullptr, nullptr};
        const Admin connection = admin(server, Where::database, wait);
        const auto statement = connection->prepare(
            "SELECT CASE WHEN e.oid IS NULL THEN t.typname::text ELSE e.typname || '[]' END FROM pg_catalog.pg_type t"
            " LEFT JOIN pg_catalog.pg_type e ON e.typarray = t.oid WHERE t.oid = $1",
            nullptr, wait);
        statement->bind(1, db::Value::integer(oid), db::Lifetime::copied);
        if (!statement->next(wait)) return {};
        std::string name(statement->value(0).view());
        statement->reset();
        const std::lock_guard lock(mutex_);
        if (type_names_.size() < type_names_max) type_names_.emplace(key, name);
        return name;
    } catch (...) {
        return {};  // a name for people, not worth an error
    }
}

}  // namespace mtdb::backends::postgres
