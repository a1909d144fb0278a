// SPDX-License-Identifier: MIT
#include "migrate/source.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>

#include "base/checksum.hpp"
#include "base/text.hpp"

namespace mtdb::migrate {

namespace {

namespace fs = std::filesystem;
constexpr int depth_max = 64;

std::string quoted_list(const std::vector<std::string>& names) {
    std::string out;
    for (const auto& name : names) out += (out.empty() ? "'" : ", '") + name + "'";
    return out;
}

// Names of scripts by what must be unique among them.
class Duplicates {
public:
    void add(const std::string& key, const std::string& name) { names_[key].push_back(name); }
    void require_none() const {
        std::string message;
        for (const auto& [key, names] : names_)
            if (names.size() > 1)
                message += (message.empty() ? "" : "; ") + key + ": " + quoted_list(names);
        if (!message.empty()) throw Error(Code::invalid_argument, "duplicate scripts: " + message);
    }

private:
    std::map<std::string, std::vector<std::string>> names_;
};

// A spelling that equal versions share.
std::string canonical(const Version& version, std::span<const Version> seen) {
    const auto same = std::ranges::find(seen, version);
    return same == seen.end() ? version.text() : same->text();
}

}  // namespace

LayoutChoice layout_choice(std::string_view text) {
    if (text == "auto") return LayoutChoice::automatic;
    if (text == "flyway") return LayoutChoice::flyway;
    if (text == "golang") return LayoutChoice::golang;
    throw Error(Code::invalid_argument,
                "no layout '" + base::excerpt(text) + "': auto, flyway or golang");
}

std::vector<Source::File> Source::list(const std::string& folder) {
    std::vector<File> files;
    try {
        if (!fs::is_directory(folder)) throw Error(Code::not_found, "no folder '" + folder + "'");
        fs::recursive_directory_iterator at(folder,
                                            fs::directory_options::follow_directory_symlink);
        for (; at != fs::recursive_directory_iterator(); ++at) {
            const std::string name = at->path().filename().string();
            if (at->is_directory()) {
                if (name.starts_with('.')) at.disable_recursion_pending();
                if (at.depth() >= depth_max)
                    throw Error(Code::invalid_argument,
                                "folder '" + folder + "' nests without end at '" + name + "'");
            } else if (at->is_regular_file()) {
                files.push_back({at->path().lexically_relative(folder).generic_string(), name});
            }
        }
    } catch (const fs::filesystem_error& error) {
        throw Error(Code::io, "cannot read folder '" + folder + "': " + error.code().message());
    }
    std::ranges::sort(files, {}, &File::path);
    return files;
}

std::string Source::read(const std::string& folder, const std::string& path) {
    std::ifstream in(fs::path(folder) / path, std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (!in.good() && !in.eof())
        throw Error(Code::io, "cannot read script '" + path + "'").with_script(path);
    if (!base::valid_utf8(text))
        throw Error(Code::invalid_argument, "script '" + path + "' is not UTF-8").with_script(path);
    return text;
}

Layout Source::detect(std::span<const File> files) {
    const File* flyway = nullptr;
    const File* golang = nullptr;
    for (const File& file : files) {
        if (golang == nullptr && file.path == file.name && parse_golang_name(file.name))
            golang = &file;
        const auto kind = parse_flyway_name(file.name).kind;
        if (flyway == nullptr && kind != FileKind::unrecognised && kind != FileKind::invalid)
            flyway = &file;
    }
    if (flyway != nullptr && golang != nullptr)
        throw Error(Code::invalid_argument, "the folder mixes two layouts: '" + flyway->path +
                                                "' is Flyway's, '" + golang->path +
                                                "' is golang-migrate's");
    return golang != nullptr ? Layout::golang : Layout::flyway;
}

void Source::load_flyway(const std::string& folder, std::span<const File> files, const db::Dialect& dialect) {
    Duplicates duplicates;
    std::vector<Version> seen;
    std::vector<std::pair<Version, Body>> undos;
    for (const File& file : files) {
        const FlywayName name = parse_flyway_name(file.name);
        if (name.kind == FileKind::unrecognised) {
            ignored_.push_back({file.path, "not a script's name"});
            continue;
        }
        if (name.kind == FileKind::invalid) {
            ignored_.push_back({file.path, std::string(name.what)});
            continue;
        }
        if (name.kind == FileKind::unsupported)
            throw Error(Code::unsupported, "'" + file.path + "' is " + std::string(name.what) +
                                               ", which is not supported")
                .with_script(file.path);
        Body body = make_body(file.path, read(folder, file.path), Placeholders::refused, dialect);
        const Version version = name.version.empty() ? Version() : Version::parse(name.version);
        const std::string key = canonical(version, seen);
        if (!version.empty()) seen.push_back(version);
        if (name.kind == FileKind::undo) {
            duplicates.add("undo version " + key, file.path);
            undos.emplace_back(version, std::move(body));
            continue;
        }
        const bool versioned = name.kind == FileKind::versioned;
        duplicates.add(versioned ? "version " + key : "repeatable '" + name.description + "'",
                       file.path);
        Script script;
        script.kind = versioned ? Kind::versioned : Kind::repeatable;
        script.version = version;
        script.description = stored_description(name.description);
        script.checksum = flyway_checksum(body.text);
        script.up = std::move(body);
        scripts_.push_back(std::move(script));
    }
    duplicates.require_none();
    for (auto& [version, body] : undos) {
        const auto script = std::ranges::find_if(scripts_, [&v = version](const Script& s) {
            return s.kind == Kind::versioned && s.version == v;
        });
        if (script != scripts_.end())
            script->down = std::move(body);
        else
            ignored_.push_back({body.name, "it undoes a version that has no script"});
    }
}

void Source::load_golang(const std::string& folder, std::span<const File> files, const db::Dialect& dialect) {
    Duplicates duplicates;
    std::map<uint64_t, Script> by_number;
    for (const File& file : files) {
        const auto name = parse_golang_name(file.name);
        if (!name || file.path != file.name) {
            ignored_.push_back({file.path, name ? "in a folder below" : "not a script's name"});
            continue;
        }
        if (name->version > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
            throw Error(Code::unsupported,
                        "the version of '" + file.path + "' is above 9223372036854775807")
                .with_script(file.path);
        duplicates.add("version " + std::to_string(name->version) + (name->up ? " up" : " down"),
                       file.path);
        Script& script = by_number[name->version];
        Body body = make_body(file.path, read(folder, file.path), Placeholders::literal, dialect);
        if (name->up || !script.up) {
            script.description = name->identifier;
            std::ranges::replace(script.description, '_', ' ');
            script.description = stored_description(script.description);
        }
        if (name->up) script.checksum = flyway_checksum(body.text);
        (name->up ? script.up : script.down) = std::move(body);
    }
    duplicates.require_none();
    for (auto& [number, script] : by_number) {
        script.version = Version::of(static_cast<int64_t>(number));
        scripts_.push_back(std::move(script));
    }
}

void Source::finish() {
    std::ranges::stable_sort(scripts_, [](const Script& a, const Script& b) {
        if (a.kind != b.kind) return a.kind == Kind::versioned;
        if (a.kind == Kind::versioned) return a.version < b.version;
        return before_in_utf16(a.description, b.description);
    });
    std::string marks;
    for (Script& script : scripts_) {
        if (script.kind == Kind::versioned) {
            ++versioned_;
            script.number = script.version.number().value_or(-1);
        }
        if (script.number < 0 && golang_obstacle_.empty())
            golang_obstacle_ = script.kind == Kind::repeatable
                                   ? "script '" + script.name() + "' is repeatable"
                                   : "version '" + script.version.text() + "' is not one number";
        marks += script.version.text() + '\n' + script.description + '\n' +
                 std::to_string(script.checksum.value_or(0)) + '\n';
    }
    fingerprint_ = base::stable_hash64(marks);
}

std::shared_ptr<const Source> Source::from_folder(const std::string& folder, LayoutChoice choice,
                                                  const db::Dialect& dialect) {
    std::shared_ptr<Source> source(new Source());
    const auto files = list(folder);
    switch (choice) {
        case LayoutChoice::automatic:
            source->layout_ = detect(files);
            break;
        case LayoutChoice::flyway:
            source->layout_ = Layout::flyway;
            break;
        case LayoutChoice::golang:
            source->layout_ = Layout::golang;
            break;
    }
    if (source->layout_ == Layout::flyway)
        source->load_flyway(folder, files, dialect);
    else
        source->load_golang(folder, files, dialect);
    source->finish();
    return source;
}

std::shared_ptr<const Source> Source::from_inline(std::span<const InlineScript> scripts,
                                                  const db::Dialect& dialect) {
    std::shared_ptr<Source> source(new Source());
    for (const InlineScript& given : scripts) {
        Script script;
        script.version = Version::parse(given.version);
        for (const Script& other : source->scripts_)
            if (other.version == script.version)
                throw Error(Code::exists,
                            "there is a script of version '" + other.version.text() + "'");
        std::string stem = script.version.text() + "__" + given.description + ".sql";
        std::ranges::replace_if(
            stem, [](char c) { return c == ' ' || c == '/'; }, '_');
        script.description = stored_description(given.description);
        script.checksum = flyway_checksum(given.up);
        for (const std::string* text : {&given.up, given.down ? &*given.down : nullptr})
            if (text != nullptr && !base::valid_utf8(*text))
                throw Error(Code::invalid_argument,
                            "the script of version '" + script.version.text() + "' is not UTF-8");
        script.up = make_body("V" + stem, given.up, Placeholders::literal, dialect);
        if (given.down) script.down = make_body("U" + stem, *given.down, Placeholders::literal, dialect);
        source->scripts_.push_back(std::move(script));
    }
    source->finish();
    return source;
}

const Script* Source::find(const Version& version) const noexcept {
    const auto all = versioned();
    const auto at = std::ranges::lower_bound(all, version, {}, &Script::version);
    return at != all.end() && at->version == version ? &*at : nullptr;
}

const Script* Source::find_number(int64_t number) const noexcept {
    const auto all = versioned();
    const auto at = std::ranges::lower_bound(all, number, {}, &Script::number);
    return at != all.end() && at->number == number ? &*at : nullptr;
}

}  // namespace mtdb::migrate
