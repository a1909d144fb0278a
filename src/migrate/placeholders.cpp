// SPDX-License-Identifier: MIT
#include "migrate/placeholders.hpp"

#include <filesystem>

#include "base/error.hpp"
#include "base/text.hpp"

namespace mtdb::migrate {

namespace {

constexpr std::string_view builtin = "flyway";

class Replacer {
public:
    Replacer(std::string_view text, std::string_view name, const PlaceholderRules& rules, const TenantValues* tenant)
        : text_(text), name_(name), rules_(rules), tenant_(tenant) {}

    Replaced run() {
        out_.text.reserve(text_.size());
        while (at_ < text_.size()) {
            const std::size_t begin = at_;
            std::size_t matched = 0;
            while (at_ < text_.size() && matched < rules_.prefix.size()) {
                if (text_[at_++] != rules_.prefix[matched]) break;
                ++matched;
            }
            if (matched < rules_.prefix.size())
                out_.text += text_.substr(begin, at_ - begin);
            else
                take(begin);
        }
        return std::move(out_);
    }

private:
    void take(std::size_t begin) {
        const auto close = text_.find(rules_.suffix, at_);
        if (close == std::string_view::npos) fail(begin, "a placeholder is not closed");
        const std::string_view asked = text_.substr(at_, close - at_);
        at_ = close + rules_.suffix.size();
        const std::string key = base::lower(asked);
        const std::string own = std::string(builtin) + rules_.separator;
        if (key.starts_with(own)) {
            out_.text += value_of(key.substr(own.size()), begin);
            return;
        }
        const auto found = rules_.values.find(key);
        if (found == rules_.values.end())
            fail(begin, "no value for placeholder '" + shown(begin) + "' (option migrate.placeholder." +
                            base::excerpt(asked, 30) + ")");
        out_.text += found->second;
    }

    std::string value_of(std::string_view key, std::size_t begin) {
        if (key == "filename") return std::string(name_.substr(name_.rfind('/') + 1));
        if (key == "table") return rules_.table;
        if (key == "environment") return "default";
        if (key == "workingdirectory") return std::filesystem::current_path().string();
        const bool schema = key == "defaultschema", user = key == "user", database = key == "database";
        if (!schema && !user && !database && key != "timestamp")
            fail(begin, "no placeholder '" + shown(begin) + "' is built in");
        out_.of_tenant = true;
        if (tenant_ == nullptr) return {};
        if (schema) return tenant_->schema;
        if (user) return tenant_->user;
        if (!database) return tenant_->timestamp;
        if (!tenant_->database)
            fail(begin, "placeholder '" + shown(begin) + "' has no value: this database has no name");
        return *tenant_->database;
    }

    std::string shown(std::size_t begin) const { return base::excerpt(text_.substr(begin, at_ - begin), 40); }

    [[noreturn]] void fail(std::size_t offset, const std::string& what) const {
        const auto position = base::position_of(text_, offset);
        throw Error(Code::invalid_argument, what).with_position(position.line, position.column);
    }

    std::string_view text_;
    std::string_view name_;
    const PlaceholderRules& rules_;
    const TenantValues* tenant_;
    std::size_t at_ = 0;
    Replaced out_;
};

}  // namespace

void PlaceholderRules::check() const {
    if (prefix.empty() || suffix.empty())
        throw Error(Code::invalid_argument, "the prefix and the suffix of placeholders cannot be empty");
    const std::string own = std::string(builtin) + separator;
    for (const auto& [name, value] : values)
        if (name.empty() || name.starts_with(own))
            throw Error(Code::invalid_argument, "no placeholder can be named '" + base::excerpt(name) + "'");
}

Replaced replace_placeholders(std::string_view text, std::string_view name, const PlaceholderRules& rules,
                              const TenantValues* tenant) {
    return Replacer(text, name, rules, tenant).run();
}

}  // namespace mtdb::migrate
