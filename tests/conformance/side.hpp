// SPDX-License-Identifier: MIT
// A plain session beside the library's, by the client libraries themselves: what an administrator would do.
#pragma once

#include <memory>
#include <string>

namespace conformance {

class Side {
public:
    virtual ~Side() = default;
    // The first column of all rows, joined by commas; NULL as "NULL". Throws harness::Failed.
    virtual std::string run(const std::string& sql) = 0;
    void end(const std::string& connection);  // ends another session; nothing when it is gone already
    // Waits until a query gives this answer.
    void await(const std::string& sql, const std::string& answer);

    std::string self;  // the query that gives a session's own id
    std::string kill;  // what ends a session: "...?..." with its id
};

// From the environment of tests/servers/run; nullptr where a backend has no server.
std::unique_ptr<Side> side_of(const std::string& backend, const std::string& database = {});
std::string environment(const char* name);

}  // namespace conformance
