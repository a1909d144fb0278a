// SPDX-License-Identifier: MIT
#include "migrate/source.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>

#include "base/checksum.hpp"
#include "base/text.hpp"
#include "migrate/encoding.hpp"
#include "migrate/location.hpp"
#include "migrate/script_config.hpp"

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

// Flyway's validateMigrationNaming: names that begin as a script's do.
void refuse_odd_names(std::span<const Ignored> ignored) {
    std::string message;
    for (const Ignored& file : ignored)
        if (file.path.ends_with(".sql")) message += (message.empty() ? "'" : ", '") + file.path + "': " + file.reason;
    if (!message.empty()) throw Error(Code::invalid_argument, "names that are no script's: " + message);
}

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

void Source::list(const std::string& folder, std::vector<File>& files) {
    const auto first = static_cast<std::ptrdiff_t>(files.size());
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
                files.push_back({folder, at->path().lexically_relative(folder).generic_string(), name});
            }
        }
    } catch (const fs::filesystem_error& error) {
        throw Error(Code::io, "cannot read folder '" + folder + "': " + error.code().message());
    }
    std::ranges::sort(files.begin() + first, files.end(), {}, &File::path);
}

std::string Source::read(const File& file) {
    std::ifstream in(fs::path(file.folder) / file.path, std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (!in.good() && !in.eof())
        throw Error(Code::io, "cannot read script '" + file.path + "'").with_script(file.path);
    return text;
}

Layout Source::detect(std::span<const File> files, const Naming& naming) {
    const File* flyway = nullptr;
    const File* golang = nullptr;
    for (const File& file : files) {
        if (golang == nullptr && file.path == file.name && parse_golang_name(file.name))
            golang = &file;
        const auto kind = parse_flyway_name(file.name, naming).kind;
        if (flyway == nullptr && kind != FileKind::unrecognised && kind != FileKind::invalid)
            flyway = &file;
    }
    if (flyway != nullptr && golang != nullptr)
        throw Error(Code::invalid_argument, "the folder mixes two layouts: '" + flyway->path +
                                                "' is Flyway's, '" + golang->path +
                                                "' is golang-migrate's");
    return golang != nullptr ? Layout::golang : Layout::flyway;
}

Body Source::load_body(const File& file, const FlywayName& name, std::span<const File> files) {
    ScriptConfig config;
    const auto beside = std::ranges::find_if(files, [&](const File& other) {
        return other.folder == file.folder && other.path == file.path + ".conf";
    });
    if (beside != files.end())
        config = parse_config(decoded(read(*beside), "UTF-8", beside->path), beside->path, options_.placeholders);
    BodyRules rules;
    rules.mixing = options_.mixing;
    rules.program = name.program;
    rules.in_transaction = config.in_transaction;
    if (!rules.in_transaction && !options_.in_transaction) rules.in_transaction = false;
    if (config.replace.value_or(options_.placeholders.replace)) rules.placeholders = Placeholders::replaced;
    std::string text = decoded(read(file), config.encoding.value_or(options_.encoding), file.path);
    Body body = make_body(file.path, std::move(text), rules, dialect_, options_.placeholders);
    differs_ = differs_ || body.of_tenant;
    return body;
}

Script Source::script_of(const FlywayName& name, Body body) {
    Script script;
    script.kind = name.kind == FileKind::versioned  ? Kind::versioned
                  : name.kind == FileKind::baseline ? Kind::baseline
                                                    : Kind::repeatable;
    if (!name.version.empty()) script.version = Version::parse(name.version);
    script.description = stored_description(name.description);
    // Flyway cannot tell anything of a repeatable whose checksum it cannot compute: neither can we.
    const bool replaced = body.rules.placeholders == Placeholders::replaced;
    const bool repeatable = script.kind == Kind::repeatable && replaced;
    if (repeatable && body.fault && body.fault->code() == Code::invalid_argument) throw Error(*body.fault);
    script.checksum = body.checksum;
    if (repeatable && !body.of_tenant) script.checksum = flyway_checksum(body.text);
    if (script.checksum != body.checksum || (repeatable && body.of_tenant)) script.raw_checksum = body.checksum;
    script.up = std::move(body);
    return script;
}

void Source::add_callback(const FlywayName& name, Body body) {
    if (body.rules.program)
        throw Error(Code::unsupported, "'" + body.name + "' is a callback that is a program, which is not supported")
            .with_script(body.name);
    if (body.split.foreign_keys)
        throw Error(Code::unsupported,
                    "'" + body.name + "' is a callback that switches foreign keys: only a script can")
            .with_script(body.name);
    callbacks_.push_back({name.event, name.description, std::move(body)});
}

void Source::load_flyway(std::span<const File> files) {
    Duplicates duplicates;
    std::vector<Version> seen;
    std::vector<std::pair<Version, Body>> undos;
    for (const File& file : files) {
        const FlywayName name = parse_flyway_name(file.name, options_.naming);
        if (name.kind == FileKind::configuration) continue;  // read with its script
        if (name.kind == FileKind::unrecognised || name.kind == FileKind::invalid) {
            ignored_.push_back(
                {file.path, name.kind == FileKind::invalid ? std::string(name.what) : "not a script's name"});
            continue;
        }
        Body body = load_body(file, name, files);
        const Version version = name.version.empty() ? Version() : Version::parse(name.version);
        const std::string key = canonical(version, seen);
        if (!version.empty()) seen.push_back(version);
        switch (name.kind) {
            case FileKind::undo:
                duplicates.add("undo version " + key, file.path);
                undos.emplace_back(version, std::move(body));
                continue;
            case FileKind::callback:
                duplicates.add("callback '" + file.name + "'", file.path);
                add_callback(name, std::move(body));
                continue;
            case FileKind::baseline:
                duplicates.add("baseline version " + key, file.path);
                break;
            case FileKind::repeatable:
                duplicates.add("repeatable '" + name.description + "'", file.path);
                break;
            default:
                duplicates.add("version " + key, file.path);
                break;
        }
        scripts_.push_back(script_of(name, std::move(body)));
    }
    duplicates.require_none();
    if (options_.strict_names) refuse_odd_names(ignored_);
    for (auto& [version, body] : undos) {
        const auto script = std::ranges::find_if(scripts_, [&v = version](const Script& s) {
            return s.kind == Kind::versioned && s.version == v;
        });
        if (script != scripts_.end())
            script->down = std::move(body);
        else
            ignored_.push_back({body.name, "it undoes a version that has no script"});
    }
    std::ranges::stable_sort(callbacks_, [](const Callback& a, const Callback& b) {
        return before_in_utf16(a.description, b.description);
    });
}

void Source::load_golang(std::span<const File> files) {
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
        BodyRules rules;
        rules.mixing = options_.mixing;
        if (!options_.in_transaction) rules.in_transaction = false;
        Body body = make_body(file.path, decoded(read(file), options_.encoding, file.path), rules, dialect_);
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
        if (a.kind != b.kind) return a.kind < b.kind;
        if (a.kind != Kind::repeatable) return a.version < b.version;
        return before_in_utf16(a.description, b.description);
    });
    std::string marks;
    for (Script& script : scripts_) {
        if (script.kind == Kind::versioned) {
            ++versioned_;
            script.number = script.version.number().value_or(-1);
        }
        if (script.kind == Kind::baseline) ++baselines_;
        if (script.number < 0 && golang_obstacle_.empty())
            golang_obstacle_ = script.kind == Kind::repeatable
                                   ? "script '" + script.name() + "' is repeatable"
                               : script.kind == Kind::baseline
                                   ? "script '" + script.name() + "' is a baseline"
                                   : "version '" + script.version.text() + "' is not one number";
        marks += script.version.text() + '\n' + script.description + '\n' +
                 std::to_string(script.checksum.value_or(0)) + '\n';
    }
    fingerprint_ = base::stable_hash64(marks);
}

std::shared_ptr<const Source> Source::of_tenant(const TenantValues& values) const {
    std::shared_ptr<Source> source(new Source(*this));
    const auto resolve = [&](Body& body) {
        if (body.of_tenant) body = body_of(body, body.name, dialect_, options_.placeholders, values);
    };
    for (Script& script : source->scripts_) {
        if (script.down) resolve(*script.down);
        if (!script.up || !script.up->of_tenant) continue;
        resolve(*script.up);
        if (script.kind != Kind::repeatable) continue;
        if (script.up->fault && script.up->fault->code() == Code::invalid_argument) throw Error(*script.up->fault);
        script.checksum = flyway_checksum(script.up->text);
    }
    for (Callback& callback : source->callbacks_) resolve(callback.body);
    source->differs_ = false;
    return source;
}

std::shared_ptr<const Source> Source::from_folder(const std::string& folders, LayoutChoice choice,
                                                  const db::Dialect& dialect) {
    SourceOptions options;
    options.layout = choice;
    return from_folder(folders, std::move(options), dialect);
}

std::shared_ptr<const Source> Source::from_folder(const std::string& folders, SourceOptions options,
                                                  const db::Dialect& dialect) {
    options.naming.check();
    options.placeholders.check();
    require_encoding(options.encoding);
    std::shared_ptr<Source> source(new Source());
    source->options_ = std::move(options);
    source->dialect_ = dialect;
    std::vector<File> files;
    for (const std::string& folder : folders_of(folders)) list(folder, files);
    switch (source->options_.layout) {
        case LayoutChoice::automatic:
            source->layout_ = detect(files, source->options_.naming);
            break;
        case LayoutChoice::flyway:
            source->layout_ = Layout::flyway;
            break;
        case LayoutChoice::golang:
            source->layout_ = Layout::golang;
            break;
    }
    if (source->layout_ == Layout::flyway)
        source->load_flyway(files);
    else
        source->load_golang(files);
    source->finish();
    return source;
}

std::shared_ptr<const Source> Source::from_inline(std::span<const InlineScript> scripts,
                                                  const db::Dialect& dialect, SourceOptions options) {
    std::shared_ptr<Source> source(new Source());
    source->dialect_ = dialect;
    BodyRules rules;
    rules.mixing = options.mixing;
    if (!options.in_transaction) rules.in_transaction = false;
    source->options_ = std::move(options);
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
        script.up = make_body("V" + stem, given.up, rules, dialect);
        if (given.down) script.down = make_body("U" + stem, *given.down, rules, dialect);
        source->scripts_.push_back(std::move(script));
    }
    source->finish();
    return source;
}

Version Source::last() const {
    Version last = newest() != nullptr ? newest()->version : Version();
    if (!baselines().empty()) last = std::max(last, baselines().back().version);
    return last;
}

const Script* Source::find_baseline(const Version& version) const noexcept {
    const auto all = baselines();
    const auto at = std::ranges::lower_bound(all, version, {}, &Script::version);
    return at != all.end() && at->version == version ? &*at : nullptr;
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
