// SPDX-License-Identifier: MIT
// Lines of key=value: what was accepted can be read back as text, and that text is accepted again.
#include "engine/options.hpp"

#include "base/text.hpp"
#include "fuzz.hpp"

using namespace mtdb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
    engine::Options options;
    for (const auto line : base::split_lines(fuzz::text_of(data, size))) {
        const auto equals = line.find('=');
        if (equals == std::string_view::npos) continue;
        fuzz::may_refuse([&] {
            const auto key = line.substr(0, equals);
            options.set_text(key, line.substr(equals + 1));
            const auto text = options.get_text(key);
            engine::Options again;
            again.set_text(key, text);
            fuzz::claim(again.get_text(key) == text, "an option reads back as it was set");
        });
    }
    fuzz::may_refuse([&] { options.check_scope(engine::Scope::db); });
    return 0;
}
