// SPDX-License-Identifier: MIT
#include "tenant/path_template.hpp"

#include <algorithm>

#include "base/checksum.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

namespace mtdb::tenant {
namespace {

constexpr std::size_t hash_digits = 16;
constexpr std::size_t path_size_max = 512;
constexpr std::size_t name_size_max = 63;  // PostgreSQL would cut a longer one
constexpr std::size_t component_size_max =
    240;  // file systems end at 255; the engine adds up to "-journal"

Error invalid(std::string_view text, const std::string& problem) {
    return Error(Code::invalid_argument, "path template '" + base::excerpt(text) + "' " + problem);
}

void write_hash(std::string_view id, char (&digits)[hash_digits]) noexcept {
    uint64_t hash = base::stable_hash64(id);
    for (char& digit : digits) {
        digit = "0123456789abcdef"[hash >> 60];
        hash <<= 4;
    }
}

// The size of a component once its tokens are expanded, the id at its longest.
std::size_t size_max_of(std::string_view component) noexcept {
    std::size_t size = 0;
    while (!component.empty()) {
        if (component.starts_with("{id}")) {
            size += id_size_max;
            component.remove_prefix(4);
        } else if (component.starts_with("{hash:")) {
            size += static_cast<std::size_t>(component[6] - '0');
            component.remove_prefix(8);
        } else {
            ++size;
            component.remove_prefix(1);
        }
    }
    return size;
}

}  // namespace

void PathTemplate::add_token(std::string_view token) {
    if (token == "{id}") {
        parts_.push_back({Token::id, {}, 0});
    } else if (token.size() == 8 && token.starts_with("{hash:") && token[6] >= '1' &&
               token[6] <= '8') {
        parts_.push_back({Token::hash, {}, static_cast<std::size_t>(token[6] - '0')});
    } else {
        throw invalid(text_, "has '" + base::excerpt(token) +
                                 "'; the tokens are {id} and {hash:N} with N from 1 to 8");
    }
}

void PathTemplate::check_component(std::string_view component, bool last) const {
    if (component.empty())
        throw invalid(text_, "has an empty component, or begins or ends with '/'");
    if (component.front() == '.') throw invalid(text_, "has a component that begins with '.'");
    for (const char byte : component) {
        const auto value = static_cast<unsigned char>(byte);
        if (value < 0x20 || value == 0x7F || byte == '\\')
            throw invalid(text_, "has a control character or a backslash");
    }
    if (size_max_of(component) > component_size_max)
        throw invalid(text_, "has a component of more than 240 bytes");
    const std::size_t at = component.find("{id}");
    if (!last && at != std::string_view::npos)
        throw invalid(text_, "has {id} before its last component");
    if (!last) return;
    if (at == std::string_view::npos) throw invalid(text_, "has no {id} in its last component");
    if (component.find("{id}", at + 1) != std::string_view::npos)
        throw invalid(text_, "has {id} twice");
    // An id holds no '.', so one behind it keeps every path apart from another one followed by
    // "-wal" or the like.
    if (component.find('.', at) == std::string_view::npos)
        throw invalid(text_, "needs a '.' behind {id}, such as {id}.db");
    for (const std::string_view side : {"-wal", "-shm", "-journal"}) {
        if (component.ends_with(side))
            throw invalid(text_, "ends as a side file of the engine does");
    }
}

PathTemplate PathTemplate::tokens_of(std::string_view text) {
    if (text.empty()) throw Error(Code::invalid_argument, "the template is empty");
    if (!base::valid_utf8(text)) throw invalid(text, "is not UTF-8");
    PathTemplate made;
    made.text_ = text;
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] == '}') throw invalid(text, "has a '}' without '{'");
        if (text[at] == '{') {
            const std::size_t end = text.find('}', at);
            if (end == std::string_view::npos) throw invalid(text, "has a '{' without '}'");
            made.add_token(text.substr(at, end + 1 - at));
            at = end + 1;
            continue;
        }
        const std::size_t end = std::min(text.find_first_of("{}", at), text.size());
        made.parts_.push_back({Token::literal, std::string(text.substr(at, end - at)), 0});
        at = end;
    }
    return made;
}

void PathTemplate::count() {
    std::size_t digits = 0;
    for (const Part& part : parts_) {
        digits += part.digits;
        fixed_size_ += part.token == Token::literal ? part.literal.size() : part.digits;
    }
    if (digits > hash_digits) throw invalid(text_, "takes more than the 16 digits of the hash");
}

PathTemplate PathTemplate::parse(std::string_view text) {
    if (text.empty()) throw Error(Code::invalid_argument, "the path template is empty");
    PathTemplate made = tokens_of(text);
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find('/', at), text.size());
        made.check_component(text.substr(at, end - at), end == text.size());
        at = end + 1;
    }
    made.count();
    if (made.fixed_size_ + id_size_max > path_size_max)
        throw invalid(text, "makes paths of more than 512 bytes");
    made.depth_ = static_cast<int32_t>(std::count(text.begin(), text.end(), '/'));
    return made;
}

PathTemplate PathTemplate::parse_name(std::string_view text) {
    PathTemplate made = tokens_of(text);
    made.name_ = true;
    int ids = 0;
    for (const Part& part : made.parts_) {
        ids += part.token == Token::id ? 1 : 0;
        for (const char c : part.literal) {
            const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                                 c == '_' || c == '-';
            if (!allowed) throw invalid(text, "has a character that is no letter, digit, '_' or '-'");
        }
    }
    if (ids != 1) throw invalid(text, "must have {id} once");
    made.count();
    if (made.fixed_size_ >= name_size_max) throw invalid(text, "leaves no room for an id in 63 bytes");
    return made;
}

std::string PathTemplate::expand(const Id& id) const {
    char digits[hash_digits];
    write_hash(id.text(), digits);
    std::size_t used = 0;
    std::string path;
    path.reserve(fixed_size_ + id.text().size());
    for (const Part& part : parts_) {
        switch (part.token) {
            case Token::literal:
                path += part.literal;
                break;
            case Token::id:
                path += id.text();
                break;
            case Token::hash:
                path.append(digits + used, part.digits);
                used += part.digits;
                break;
        }
    }
    if (name_ && path.size() > name_size_max)
        throw Error(Code::invalid_argument, "tenant '" + id.text() + "' makes the name '" + path +
                                                "', which is longer than 63 bytes");
    return path;
}

std::optional<Id> PathTemplate::match(std::string_view path, std::span<const Reserved> reserved) const {
    if (path.size() <= fixed_size_) return std::nullopt;
    std::size_t before = 0;  // Everything ahead of the id has a fixed size.
    for (const Part& part : parts_) {
        if (part.token == Token::id) break;
        before += part.token == Token::literal ? part.literal.size() : part.digits;
    }
    std::optional<Id> id = Id::find(path.substr(before, path.size() - fixed_size_), reserved);
    if (id && expand(*id) != path) id.reset();
    return id;
}

}  // namespace mtdb::tenant
