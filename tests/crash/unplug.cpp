// SPDX-License-Identifier: MIT
#include "unplug.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <utility>
#include <vector>

namespace unplug {

namespace {

constexpr std::size_t sector = 512;  // what a disk writes whole or not at all

// ---- the model ----

struct Change {
    enum class Kind { write, resize } kind;
    std::size_t offset;
    std::string bytes;
};

struct Node;
using NodeRef = std::shared_ptr<Node>;
using Names = std::map<std::string, NodeRef>;

// A file or a folder.
struct Node {
    bool folder = false;
    std::string synced;
    std::vector<Change> changes;
    Names synced_names;
    Names names;                       // as the program sees them
    std::vector<Names> later_names;    // after each change that was not synced
};

struct Disk {
    std::recursive_mutex mutex;
    Cut cut;
    NodeRef root;
    std::map<std::pair<dev_t, ino_t>, NodeRef> nodes;
    int64_t seen = 0;
    std::mt19937_64 random;
};

std::atomic<bool> armed{false};
// The thread that builds what survives writes for real; all others stay held up until the process is gone.
thread_local bool building = false;
bool watching() { return armed && !building; }

Disk& disk() {
    static auto* const made = new Disk;  // never freed: threads may still write while the process ends
    return *made;
}

[[noreturn]] void give_up(const char* why) {
    std::fprintf(stderr, "unplug: %s\n", why);
    std::abort();
}

template <class Function>
Function* next(const char* name) {
    void* found = dlsym(RTLD_NEXT, name);
    if (found == nullptr) give_up(name);
    return reinterpret_cast<Function*>(found);
}

NodeRef node_of(const struct stat& info) {
    const auto found = disk().nodes.find({info.st_dev, info.st_ino});
    return found != disk().nodes.end() ? found->second : nullptr;
}

NodeRef node_of(int fd) {
    struct stat info{};
    return fstat(fd, &info) == 0 ? node_of(info) : nullptr;
}

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}
std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// The watched folder that a path's last name stands in.
NodeRef folder_node(int at, const char* path) {
    struct stat info{};
    if (fstatat(at, folder_of(path).c_str(), &info, 0) != 0) return nullptr;
    return node_of(info);
}

void apply(std::string& bytes, const Change& change) {
    if (change.kind == Change::Kind::resize) {
        bytes.resize(change.offset);
        return;
    }
    if (bytes.size() < change.offset + change.bytes.size()) bytes.resize(change.offset + change.bytes.size());
    bytes.replace(change.offset, change.bytes.size(), change.bytes);
}

NodeRef load(const std::filesystem::path& path) {
    auto node = std::make_shared<Node>();
    struct stat info{};
    if (stat(path.c_str(), &info) != 0) give_up("cannot look at the folder");
    node->folder = S_ISDIR(info.st_mode);
    if (node->folder) {
        for (const auto& entry : std::filesystem::directory_iterator(path))
            node->names[entry.path().filename()] = load(entry.path());
        node->synced_names = node->names;
    } else {
        std::ifstream file(path, std::ios::binary);
        node->synced.assign(std::istreambuf_iterator<char>(file), {});
    }
    disk().nodes[{info.st_dev, info.st_ino}] = node;
    return node;
}

// ---- the cut ----

bool chance() { return disk().random() % 2 == 0; }

std::string surviving_bytes(const Node& node) {
    std::string bytes = node.synced;
    if (disk().cut.loss == Loss::all) return bytes;
    for (const Change& change : node.changes) {
        if (change.kind == Change::Kind::resize) {
            if (chance()) apply(bytes, change);
            continue;
        }
        for (std::size_t at = 0; at < change.bytes.size();) {
            const std::size_t end =
                std::min(change.bytes.size(), (change.offset + at) / sector * sector + sector - change.offset);
            if (chance()) apply(bytes, {Change::Kind::write, change.offset + at, change.bytes.substr(at, end - at)});
            at = end;
        }
    }
    return bytes;
}

void build(const Node& node, const std::filesystem::path& to) {
    if (!node.folder) {
        const std::string bytes = surviving_bytes(node);
        std::ofstream(to, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        return;
    }
    std::filesystem::create_directories(to);
    const Names* names = &node.synced_names;
    if (disk().cut.loss == Loss::some && !node.later_names.empty()) {
        const std::size_t kept = disk().random() % (node.later_names.size() + 1);
        if (kept > 0) names = &node.later_names[kept - 1];
    }
    for (const auto& [name, child] : *names) build(*child, to / name);
}

// Called with the lock held, before a change or a sync takes place.
void step() {
    Disk& self = disk();
    if (self.seen++ < self.cut.after) return;
    pull();
}

void sync(Node& node) {
    if (disk().cut.ignore_syncs) return;
    for (const Change& change : node.changes) apply(node.synced, change);
    node.changes.clear();
    node.synced_names = node.names;
    node.later_names.clear();
}

template <class Edit>
void rename_in(Node& folder, Edit&& edit) {
    edit(folder.names);
    folder.later_names.push_back(folder.names);
}

// Around a call that may create a file.
template <class Open>
int opened(int at, const char* path, int flags, Open&& open) {
    const std::unique_lock lock(disk().mutex);
    const NodeRef folder = (flags & O_CREAT) != 0 ? folder_node(at, path) : nullptr;
    struct stat info{};
    const bool creates = folder != nullptr && fstatat(at, path, &info, AT_SYMLINK_NOFOLLOW) != 0;
    if (creates) step();
    const int fd = open();
    if (fd < 0 || (!creates && (flags & O_TRUNC) == 0)) return fd;
    if (fstat(fd, &info) != 0) give_up("cannot look at a new file");
    if (creates) {
        const auto node = std::make_shared<Node>();
        disk().nodes[{info.st_dev, info.st_ino}] = node;
        rename_in(*folder, [&](Names& names) { names[name_of(path)] = node; });
    } else if (const NodeRef node = node_of(info)) {
        node->changes.push_back({Change::Kind::resize, 0, {}});
    }
    return fd;
}

ssize_t written(int fd, const void* data, off_t offset, ssize_t (*call)(int, const void*, size_t, off_t), size_t size) {
    const std::unique_lock lock(disk().mutex);
    const NodeRef node = node_of(fd);
    if (node == nullptr) return call(fd, data, size, offset);
    step();
    const off_t at = offset >= 0 ? offset : lseek(fd, 0, SEEK_CUR);
    const ssize_t done = call(fd, data, size, offset);
    if (done > 0)
        node->changes.push_back({Change::Kind::write, static_cast<std::size_t>(at),
                                 std::string(static_cast<const char*>(data), static_cast<std::size_t>(done))});
    return done;
}

int synced(int fd, int (*call)(int)) {
    const std::unique_lock lock(disk().mutex);
    const NodeRef node = node_of(fd);
    if (node == nullptr) return call(fd);
    step();
    sync(*node);
    return 0;  // the model is the disk: nothing else needs to reach one
}

int resized(int fd, off_t size, int (*call)(int, off_t)) {
    const std::unique_lock lock(disk().mutex);
    const NodeRef node = node_of(fd);
    if (node == nullptr) return call(fd, size);
    step();
    const int result = call(fd, size);
    if (result == 0) node->changes.push_back({Change::Kind::resize, static_cast<std::size_t>(size), {}});
    return result;
}

template <class Call>
int removed(int at, const char* path, Call&& call) {
    const std::unique_lock lock(disk().mutex);
    const NodeRef folder = folder_node(at, path);
    if (folder == nullptr || !folder->names.contains(name_of(path))) return call();
    step();
    const int result = call();
    if (result == 0) rename_in(*folder, [&](Names& names) { names.erase(name_of(path)); });
    return result;
}

template <class Call>
int renamed(int from_at, const char* from, int to_at, const char* to, Call&& call) {
    const std::unique_lock lock(disk().mutex);
    const NodeRef folder = folder_node(from_at, from);
    const NodeRef target = folder_node(to_at, to);
    if (folder == nullptr && target == nullptr) return call();
    if (folder != target) give_up("a rename across folders is not modelled");
    step();
    const int result = call();
    if (result == 0)
        rename_in(*folder, [&](Names& names) {
            names[name_of(to)] = names.at(name_of(from));
            names.erase(name_of(from));
        });
    return result;
}

template <class Call>
int made_folder(int at, const char* path, Call&& call) {
    const std::unique_lock lock(disk().mutex);
    const NodeRef folder = folder_node(at, path);
    if (folder == nullptr) return call();
    step();
    const int result = call();
    struct stat info{};
    if (result != 0 || fstatat(at, path, &info, 0) != 0) return result;
    const auto node = std::make_shared<Node>();
    node->folder = true;
    disk().nodes[{info.st_dev, info.st_ino}] = node;
    rename_in(*folder, [&](Names& names) { names[name_of(path)] = node; });
    return result;
}

mode_t mode_of(int flags, va_list arguments) {
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? static_cast<mode_t>(va_arg(arguments, int)) : 0;
}

}  // namespace

void arm(const Cut& cut) {
    Disk& self = disk();
    const std::unique_lock lock(self.mutex);
    self.cut = cut;
    self.random.seed(cut.seed);
    self.root = load(cut.from);
    armed = true;
}

void pull() {
    Disk& self = disk();
    const std::unique_lock lock(self.mutex);
    building = true;
    build(*self.root, self.cut.to);
    _exit(self.cut.exit_code);
}

int64_t seen() {
    const std::unique_lock lock(disk().mutex);
    return disk().seen;
}

}  // namespace unplug

// ---- the calls ----

using namespace unplug;

extern "C" {

#define NEXT(name) static auto* const real = next<decltype(name)>(#name)

int open64(const char* path, int flags, ...) {
    NEXT(open64);
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    if (!watching()) return real(path, flags, mode);
    return opened(AT_FDCWD, path, flags, [&] { return real(path, flags, mode); });
}

int open(const char* path, int flags, ...) {
    NEXT(open);
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    if (!watching()) return real(path, flags, mode);
    return opened(AT_FDCWD, path, flags, [&] { return real(path, flags, mode); });
}

int openat(int at, const char* path, int flags, ...) {
    NEXT(openat);
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    if (!watching()) return real(at, path, flags, mode);
    return opened(at, path, flags, [&] { return real(at, path, flags, mode); });
}

int openat64(int at, const char* path, int flags, ...) {
    NEXT(openat64);
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    if (!watching()) return real(at, path, flags, mode);
    return opened(at, path, flags, [&] { return real(at, path, flags, mode); });
}

ssize_t write(int fd, const void* data, size_t size) {
    NEXT(write);
    if (!watching()) return real(fd, data, size);
    return written(
        fd, data, -1, [](int to, const void* bytes, size_t count, off_t) { return real(to, bytes, count); }, size);
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
    NEXT(pwrite);
    return watching() ? written(fd, data, offset, real, size) : real(fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) {
    NEXT(pwrite64);
    return watching() ? written(fd, data, offset, real, size) : real(fd, data, size, offset);
}

int fsync(int fd) {
    NEXT(fsync);
    return watching() ? synced(fd, real) : real(fd);
}

int fdatasync(int fd) {
    NEXT(fdatasync);
    return watching() ? synced(fd, real) : real(fd);
}

int ftruncate(int fd, off_t size) noexcept {
    NEXT(ftruncate);
    return watching() ? resized(fd, size, real) : real(fd, size);
}

int ftruncate64(int fd, off64_t size) noexcept {
    NEXT(ftruncate64);
    return watching() ? resized(fd, size, real) : real(fd, size);
}

int unlink(const char* path) noexcept {
    NEXT(unlink);
    return watching() ? removed(AT_FDCWD, path, [&] { return real(path); }) : real(path);
}

int unlinkat(int at, const char* path, int flags) noexcept {
    NEXT(unlinkat);
    return watching() ? removed(at, path, [&] { return real(at, path, flags); }) : real(at, path, flags);
}

int rename(const char* from, const char* to) noexcept {
    NEXT(rename);
    return watching() ? renamed(AT_FDCWD, from, AT_FDCWD, to, [&] { return real(from, to); }) : real(from, to);
}

int renameat(int from_at, const char* from, int to_at, const char* to) noexcept {
    NEXT(renameat);
    return watching() ? renamed(from_at, from, to_at, to, [&] { return real(from_at, from, to_at, to); })
                 : real(from_at, from, to_at, to);
}

int renameat2(int from_at, const char* from, int to_at, const char* to, unsigned flags) noexcept {
    NEXT(renameat2);
    return watching() ? renamed(from_at, from, to_at, to, [&] { return real(from_at, from, to_at, to, flags); })
                 : real(from_at, from, to_at, to, flags);
}

int mkdirat(int at, const char* path, mode_t mode) noexcept {
    NEXT(mkdirat);
    return watching() ? made_folder(at, path, [&] { return real(at, path, mode); }) : real(at, path, mode);
}

}  // extern "C"
