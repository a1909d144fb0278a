// SPDX-License-Identifier: MIT
// Usage: mtdb_peers flyway|golang|flyway_together|golang_together sqlite|postgres|mariadb COMMAND... (which starts the
// other tool)
#include <cstdio>
#include <string_view>

#include "together.hpp"

int main(int count, char** words) {
    if (count < 4) {
        std::fputs("usage: mtdb_peers flyway|golang|flyway_together|golang_together BACKEND COMMAND...\n", stderr);
        return 2;
    }
    const std::string_view tool = words[1];
    const harness::Folder root;
    const peers::Place place = peers::place_of(words[2], root.path());
    if (tool.ends_with("_together")) {
        peers::tell_together(place, tool == "flyway_together", {words + 3, words + count});
        return harness::summary();
    }
    peers::Process process({words + 3, words + count});
    tool == "flyway" ? peers::tell_flyway(place, process) : peers::tell_golang(place, process);
    return harness::summary();
}
