// SPDX-License-Identifier: MIT
#include "migrate/empty.hpp"

#include <string>
#include <vector>

#include "migrate/history.hpp"

namespace mtdb::migrate {

namespace {

std::vector<std::string> statements_of(db::Connection& connection, std::string_view query, std::size_t batch,
                                       const Wait& wait) {
    std::vector<std::string> statements;
    const auto rows = connection.prepare(query, nullptr, wait);
    while (statements.size() < batch && rows->next(wait)) statements.push_back(text_of(rows->value(0)));
    return statements;
}

}  // namespace

int64_t empty_namespace(db::Connection& connection, const db::Dialect& dialect, std::size_t batch, const Wait& wait) {
    const auto surround = [&](std::string_view statement, const Wait& patience) {
        if (!statement.empty()) execute(connection, std::string(statement), patience);
    };
    int64_t dropped = 0;
    surround(dialect.history.before_empty, wait);
    try {
        for (const std::string_view query : dialect.history.empty_queries) {
            std::string before;
            for (;;) {
                wait.check("the next objects to drop");
                const auto statements = statements_of(connection, query, batch, wait);
                if (statements.empty() || statements.front() == before) break;
                before = statements.front();
                if (dialect.transactional_ddl) connection.begin({}, wait);
                for (const std::string& statement : statements) execute(connection, statement, wait);
                if (dialect.transactional_ddl) connection.commit(wait);
                dropped += static_cast<int64_t>(statements.size());
            }
        }
    } catch (...) {
        try {
            connection.rollback();
            surround(dialect.history.after_empty, Wait::forever());
        } catch (...) {  // NOLINT(bugprone-empty-catch): the first error says why
        }
        throw;
    }
    surround(dialect.history.after_empty, wait);
    return dropped;
}

}  // namespace mtdb::migrate
