// SPDX-License-Identifier: MIT
// From a tenant's id to the path of its file or the name of its namespace, and back.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tenant/id.hpp"

namespace mtdb::tenant {

// "{id}.db" or "{hash:2}/{id}.db": {id} once, in the last component and followed by a '.', and
// {hash:N} for the next N hexadecimal digits of the id's stable hash. No two ids share a path, and
// no path is another one's side file ("-wal").
class PathTemplate {
public:
    // Throws Error(invalid_argument) that says what is wrong.
    static PathTemplate parse(std::string_view text);
    // For the name of a namespace or a user on a server, such as "{id}" or "t_{id}": letters, digits, '_' and '-'
    // around the tokens.
    static PathTemplate parse_name(std::string_view text);

    // Throws Error(invalid_argument) for a name that a server would cut.
    std::string expand(const Id& id) const;
    // The id that expands to `path`, if there is one.
    std::optional<Id> match(std::string_view path, std::span<const Reserved> reserved = file_reserved()) const;
    const std::string& text() const noexcept { return text_; }
    // How many folders lie between the root and a file.
    int32_t depth() const noexcept { return depth_; }

private:
    enum class Token { literal, id, hash };
    struct Part {
        Token token;
        std::string literal;
        std::size_t digits = 0;
    };
    PathTemplate() = default;
    static PathTemplate tokens_of(std::string_view text);
    void count();
    void add_token(std::string_view token);
    void check_component(std::string_view component, bool last) const;

    std::string text_;
    bool name_ = false;
    std::vector<Part> parts_;
    std::size_t fixed_size_ = 0;  // bytes of every path but its id
    int32_t depth_ = 0;
};

}  // namespace mtdb::tenant
