// SPDX-License-Identifier: MIT
#include "backends/sqlite/listing.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <vector>

#include "backends/sqlite/errors.hpp"

namespace mtdb::backends::sqlite {

namespace {

class Listing : public db::TenantCursor {
public:
    Listing(const Root& root, int depth) : depth_(static_cast<std::size_t>(depth)) {
        root.check_alive();
        enter(root.fd(), ".", "");
    }

    std::optional<std::string> next() override {
        while (!levels_.empty()) {
            Level& level = levels_.back();
            errno = 0;
            const dirent* entry = readdir(level.entries.get());
            if (entry == nullptr) {
                if (errno != 0) throw system_error("cannot list folder", level.prefix, errno);
                levels_.pop_back();
                continue;
            }
            if (reserved_name(entry->d_name)) continue;
            const bool at_depth = levels_.size() == depth_ + 1;
            if (at_depth && is(level, *entry, DT_REG, S_IFREG)) return level.prefix + entry->d_name;
            if (!at_depth && is(level, *entry, DT_DIR, S_IFDIR))
                enter(dirfd(level.entries.get()), entry->d_name,
                      level.prefix + entry->d_name + "/");
        }
        return std::nullopt;
    }

private:
    struct Level {
        std::unique_ptr<DIR, int (*)(DIR*)> entries;
        std::string prefix;
    };

    static bool is(const Level& level, const dirent& entry, unsigned char kind,
                   mode_t mode) noexcept {
        if (entry.d_type != DT_UNKNOWN) return entry.d_type == kind;
        struct stat info {};
        return fstatat(dirfd(level.entries.get()), entry.d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
               (info.st_mode & S_IFMT) == mode;
    }

    void enter(int folder, const char* name, std::string prefix) {
        Fd own(openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!own && errno == ENOENT) return;  // removed since it was listed
        std::unique_ptr<DIR, int (*)(DIR*)> entries(own ? fdopendir(own.get()) : nullptr,
                                                    &closedir);
        if (!entries) throw system_error("cannot list folder", prefix, errno);
        own.release();
        levels_.push_back({std::move(entries), std::move(prefix)});
    }

    std::size_t depth_;
    std::vector<Level> levels_;
};

}  // namespace

std::unique_ptr<db::TenantCursor> list_places(const Root& root, int depth) {
    return std::make_unique<Listing>(root, depth);
}

}  // namespace mtdb::backends::sqlite
