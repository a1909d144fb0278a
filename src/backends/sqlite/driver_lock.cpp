// SPDX-License-Identifier: MIT
#include "backends/sqlite/driver_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <set>

#include "backends/sqlite/errors.hpp"
#include "backends/sqlite/files.hpp"
#include "base/guarded.hpp"

namespace mtdb::backends::sqlite {
namespace {

class LockedFile final : public db::Held {
public:
    LockedFile(Fd file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}
    LockedFile(const LockedFile&) = delete;
    ~LockedFile() override {
        unlink(path_.c_str());  // still locked: whoever opened it meanwhile sees that it is gone
        flock(file_.get(), LOCK_UN);  // a child of a fork may have the descriptor, too
    }

private:
    Fd file_;
    const std::string path_;
};

using Names = Guarded<std::set<std::string, std::less<>>>;

// Never destroyed: a driver may outlive the end of main().
Names& locked_names() {
    static Names* const names = new Names;
    return *names;
}

class LockedName final : public db::Held {
public:
    explicit LockedName(std::string name) : name_(std::move(name)) {}
    LockedName(const LockedName&) = delete;
    ~LockedName() override {
        if (taken_) locked_names().lock()->erase(name_);
    }
    bool take() { return taken_ = locked_names().lock()->insert(name_).second; }

private:
    const std::string name_;
    bool taken_ = false;
};

bool is_at(const Fd& file, const std::string& path) noexcept {
    struct stat own {};
    struct stat there {};
    return fstat(file.get(), &own) == 0 && lstat(path.c_str(), &there) == 0 &&
           own.st_dev == there.st_dev && own.st_ino == there.st_ino;
}

}  // namespace

std::unique_ptr<db::Held> try_lock_file(const std::string& database) {
    const Split at = split_path(database);
    const std::string path = at.folder + "/." + at.name + ".mtdb-lock";
    for (;;) {
        constexpr int flags = O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
        Fd file(open(path.c_str(), flags, 0644));
        if (!file && errno == EINTR) continue;
        if (!file) throw system_error("cannot make the lock of", database, errno);
        while (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
            if (errno == EINTR) continue;
            if (errno == EWOULDBLOCK) return nullptr;
            throw system_error("cannot lock", database, errno);
        }
        // Its holder before may have removed it between the two calls.
        if (is_at(file, path)) return std::make_unique<LockedFile>(std::move(file), path);
    }
}

std::unique_ptr<db::Held> try_lock_memory(const std::string& name) {
    auto held = std::make_unique<LockedName>(name);
    if (!held->take()) return nullptr;
    return held;
}

}  // namespace mtdb::backends::sqlite
