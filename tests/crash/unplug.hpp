// SPDX-License-Identifier: MIT
// A disk that can be unplugged. Linked into a program, it stands before the C library's file calls, so it sees what
// SQLite and mtdb's own file code do alike. It keeps for each file what was synced and what was only written, for each
// folder which names were synced; at the cut it builds the folder that a computer would find after a power failure, and
// ends the process.
#pragma once

#include <cstdint>
#include <string>

namespace unplug {

// What becomes of the bytes and names that were not synced.
enum class Loss {
    all,   // every one is lost
    some,  // of writes each sector by chance, of a folder's changes those before a random one: disks reorder
};

struct Cut {
    std::string from;   // the folder that is watched, with all that is below; what it holds now counts as synced
    std::string to;     // an empty folder: gets what survives
    int64_t after = 0;  // changes and syncs until the cut
    Loss loss = Loss::all;
    uint64_t seed = 0;
    int exit_code = 0;
    bool ignore_syncs = false;  // a disk that lies: what the test must notice
};

void arm(const Cut& cut);
// Cuts now.
[[noreturn]] void pull();
// Changes and syncs seen since arm().
int64_t seen();

}  // namespace unplug
