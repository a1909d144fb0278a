// SPDX-License-Identifier: MIT
#include "migrate/location.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/error.hpp"
#include "base/text.hpp"

namespace mtdb::migrate {

namespace {

namespace fs = std::filesystem;
constexpr std::array<std::string_view, 8> others = {"classpath:", "s3:",     "gcs:",  "github:",
                                                    "gitlab:",    "http://", "https://", "iofs:"};

std::string percent_decoded(std::string_view text) {
    const auto digit = [](char c) {
        return c >= '0' && c <= '9'   ? c - '0'
               : c >= 'a' && c <= 'f' ? c - 'a' + 10
               : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                      : -1;
    };
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? digit(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? digit(text[i + 2]) : -1;
        if (high < 0 || low < 0)
            throw Error(Code::invalid_argument, "'" + base::excerpt(text) + "' is not a URL of a folder");
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

std::string folder_of(std::string_view location) {
    for (const auto kind : others)
        if (location.starts_with(kind))
            throw Error(Code::unsupported, "'" + base::excerpt(location) + "': scripts are read from folders only");
    if (location.starts_with("filesystem:")) return std::string(location.substr(11));
    if (!location.starts_with("file:")) return std::string(location);
    std::string_view path = location.substr(5);
    if (path.starts_with("//")) path.remove_prefix(2);  // host and path are one path, as golang-migrate has it
    path = path.substr(0, path.find_first_of("?#"));
    const std::string folder = percent_decoded(path);
    return folder.empty() ? "." : folder;
}

bool inside(const fs::path& path, const fs::path& folder) {
    return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

}  // namespace

std::vector<std::string> folders_of(std::string_view locations) {
    std::vector<std::string> all;
    // A folder may have a comma in its name.
    std::error_code ignored;
    if (fs::is_directory(fs::path(locations), ignored)) return {std::string(locations)};
    while (!locations.empty()) {
        const auto comma = std::min(locations.find(','), locations.size());
        const std::string_view one = base::trim(locations.substr(0, comma));
        if (!one.empty()) all.push_back(folder_of(one));
        locations.remove_prefix(std::min(comma + 1, locations.size()));
    }
    std::vector<fs::path> whole;
    for (const std::string& folder : all) {
        fs::path path = fs::weakly_canonical(folder, ignored);
        whole.push_back(ignored ? fs::path(folder) : path);
    }
    std::vector<std::string> out;
    for (std::size_t i = 0; i < all.size(); ++i) {
        bool covered = false;
        for (std::size_t j = 0; j < all.size() && !covered; ++j)
            covered = i != j && inside(whole[i], whole[j]) && (whole[i] != whole[j] || j < i);
        if (!covered) out.push_back(all[i]);
    }
    return out;
}

}  // namespace mtdb::migrate
