// SPDX-License-Identifier: MIT
// The first byte chooses the lexis; the rest is the text. Every placeholder is a parameter, every parameter has its
// name.
#include "db/placeholders.hpp"

#include "fuzz.hpp"

using namespace mtdb;

namespace {

db::Lexis lexis_of(unsigned bits) {
    db::Lexis lexis;
    lexis.style = static_cast<db::PlaceholderStyle>(bits % 3);
    lexis.nested_comments = lexis.dollar_quotes = lexis.escape_strings = lexis.question_operators = (bits & 4) != 0;
    lexis.backslash_escapes = lexis.hash_comments = (bits & 8) != 0;
    lexis.backtick_quotes = (bits & 16) == 0;
    lexis.bracket_quotes = (bits & 32) == 0;
    return lexis;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto sql = fuzz::text_of(data + 1, size - 1);
    const auto lexis = lexis_of(data[0]);
    fuzz::may_refuse([&] {
        const auto portable = db::rewrite_placeholders(sql, lexis);
        const auto count = static_cast<std::size_t>(portable.parameters);
        fuzz::claim(portable.names.size() == count, "each parameter has a name, perhaps an empty one");
        for (const int32_t parameter : portable.order)
            fuzz::claim(parameter >= 1 && parameter <= portable.parameters, "each placeholder is a parameter");
        for (std::size_t i = 0; i < count; ++i)
            if (!portable.names[i].empty())
                fuzz::claim(portable.index_of(portable.names[i]) == static_cast<int32_t>(i) + 1, "a name is found");
        if (count == 0 && !lexis.question_operators) fuzz::claim(portable.text == sql, "other text stays as it is");
    });
    return 0;
}
