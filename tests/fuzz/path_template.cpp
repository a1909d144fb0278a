// SPDX-License-Identifier: MIT
// A template, a line end, an id: the path stays below the root and leads back to the id.
#include "tenant/path_template.hpp"

#include <filesystem>

#include "fuzz.hpp"

using namespace mtdb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return 0;
    fuzz::may_refuse([&] {
        const auto path_template = tenant::PathTemplate::parse(text.substr(0, end));
        path_template.match(text.substr(end + 1));
        const auto id = tenant::Id::parse(text.substr(end + 1));
        const std::filesystem::path path = path_template.expand(id);
        fuzz::claim(path.is_relative(), "a path is relative to the root");
        fuzz::claim(path.lexically_normal() == path, "a path has no . or .. or empty part");
        const auto back = path_template.match(path.string());
        fuzz::claim(back.has_value() && back->text() == id.text(), "a path leads back to its id");
    });
    return 0;
}
