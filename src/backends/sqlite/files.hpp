// SPDX-License-Identifier: MIT
// The folder that holds the tenants: every look at a file goes through here, and none of them
// leaves the folder.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/wait.hpp"

namespace mtdb::backends::sqlite {

// A descriptor that closes itself.
class Fd {
public:
    Fd() = default;
    explicit Fd(int number) noexcept : number_(number) {}
    Fd(Fd&& other) noexcept : number_(other.release()) {}
    Fd& operator=(Fd&& other) noexcept;
    ~Fd() { close(); }

    int get() const noexcept { return number_; }
    explicit operator bool() const noexcept { return number_ >= 0; }
    int release() noexcept;
    void close() noexcept;

private:
    int number_ = -1;
};

struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const Identity&) const = default;
};

// A tenant's file as it was found. The handle (O_PATH: closing it drops nobody's locks) keeps the
// inode's number from being given to another file while the two are compared.
struct Found {
    Fd handle;
    Identity identity;
    int64_t size = 0;
};

// Opens `path` below `folder` without following a link anywhere; errno is set when the result is
// negative.
int open_beneath(int folder, const std::string& path, int flags, mode_t mode = 0) noexcept;
// The same for a kernel without openat2: component by component.
int open_by_component(int folder, const std::string& path, int flags, mode_t mode = 0) noexcept;

// The files that SQLite keeps beside a database.
constexpr std::string_view sidecars[] = {"-wal", "-shm", "-journal"};
// True for a name that cannot be a tenant's: hidden, or ending like a sidecar.
bool reserved_name(std::string_view name) noexcept;
// Throws Error(permission) for a path that would leave the folder, Error(invalid_argument) for one
// that names no file.
void check_relative(std::string_view path);

// A path in two: the folder ("" for the root itself) and the name.
struct Split {
    std::string folder;
    std::string name;
};
Split split_path(std::string_view path);

class Root {
public:
    // Throws Error(not_found), Error(permission) and others.
    static Root resolve(const std::string& folder);

    const std::string& path() const noexcept { return path_; }
    int fd() const noexcept { return folder_.get(); }
    std::string full(std::string_view relative) const;

    // Nothing when there is no such file; throws for what may not be opened: a link, a second name,
    // no regular file.
    std::optional<Found> find(const std::string& relative) const;
    // Throws Error(tenant_unknown) when there is none, Error(corrupt) for an empty file. Looks at
    // the sidecars, too.
    Found look(const std::string& relative) const;
    // Throws Error(permission) when the path no longer leads to what was found.
    void confirm(const std::string& relative, const Found& found) const;
    // Throws Error(unavailable) when the folder itself is gone or another one stands in its place.
    void check_alive() const;

    // A descriptor of a folder below the root; `create` makes what is missing, durably. Nothing
    // when it is missing.
    enum class Missing { keep, create };
    Fd open_folder(const std::string& relative, Missing missing) const;

    // Excludes other creates and drops, of this process and others, while it lives.
    Fd lock(const base::Wait& wait) const;

    // True when names that differ only in case may be one file here.
    bool folds_case() const noexcept { return folds_case_; }

private:
    Root() = default;
    void check_sidecars(const std::string& relative) const;

    std::string path_;
    Fd folder_;
    Identity identity_;
    bool folds_case_ = false;
};

// True when the folder lists exactly this name, in this case.
bool lists_name(int folder, const std::string& name);
// Makes what was done to the folder's names durable.
void sync_folder(int folder, std::string_view name);

}  // namespace mtdb::backends::sqlite
