// SPDX-License-Identifier: MIT
#include <algorithm>

#include "db/url.hpp"
#include "engine/url_settings.hpp"
#include "fuzz.hpp"

using namespace mtdb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
    fuzz::may_refuse([&] {
        const auto url = db::Url::parse(fuzz::text_of(data, size));
        fuzz::claim(!url.scheme.empty(), "a url has a scheme");
        fuzz::claim(url.scheme == "sqlite" || url.scheme == "echo" ||
                        std::ranges::none_of(url.scheme, [](char c) { return c >= 'A' && c <= 'Z'; }),
                    "a scheme is lower case");
        fuzz::claim(url.target.find('\0') == std::string::npos, "a target has no NUL byte");
        engine::Options own;
        own.set_integer("retry.max", 3);
        const engine::Options merged = engine::with_url_settings(own, url.settings);
        fuzz::claim(merged.integer("retry.max") == 3, "what the program sets stands");
        fuzz::claim(merged.integer("retry.interval_ms") >= 0, "a duration is not negative");
    });
    return 0;
}
