// SPDX-License-Identifier: MIT
// How a tenant's file comes and goes: whole and durable, or not at all.
#pragma once

#include <ctime>
#include <string>

#include "backends/sqlite/files.hpp"

namespace mtdb::backends::sqlite {

// A new file under a name that no tenant can have, in the folder it is meant for. It vanishes
// unless it is installed.
class Staging {
public:
    Staging(const Root& root, const std::string& target);
    Staging(Staging&&) = delete;
    ~Staging();

    // Its path below the root.
    const std::string& path() const noexcept { return path_; }
    void write(std::string_view bytes);
    // Makes its bytes durable and gives it its name. Throws Error(exists) when that is taken.
    void install(const base::Wait& wait);

private:
    void rename_new();

    const Root& root_;
    Split target_;
    std::string path_;
    std::string name_;
    Fd folder_;
    Fd file_;
    bool installed_ = false;
};

// Throws Error(tenant_unknown) when there is none. Nobody may have it open.
void remove_place(const Root& root, const std::string& target, const base::Wait& wait);

// Removes what killed processes left behind in a folder more than a day before `now`.
void sweep_leftovers(int folder, time_t now) noexcept;

}  // namespace mtdb::backends::sqlite
