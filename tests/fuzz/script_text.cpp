// SPDX-License-Identifier: MIT
// What a script's bytes go through before they run: decoding, placeholders, the file beside it, a server's splitter.
#include "db/backend.hpp"
#include "fuzz.hpp"
#include "migrate/encoding.hpp"
#include "migrate/script_config.hpp"
#include "migrate/split.hpp"

using namespace mtdb;

namespace {

db::Dialect server(bool dollars) {
    db::Dialect dialect;
    dialect.lexis.bracket_quotes = false;
    dialect.lexis.dollar_quotes = dollars;
    dialect.lexis.nested_comments = dollars;
    dialect.lexis.backslash_escapes = !dollars;
    dialect.lexis.hash_comments = !dollars;
    dialect.transactional_ddl = dollars;
    return dialect;
}

void split_of(std::string_view text, bool dollars) {
    const auto split = migrate::split(text, server(dollars), migrate::Mixing::allowed);
    std::size_t end = 0;
    for (const auto& piece : split.pieces) {
        fuzz::claim(piece.size > 0 && piece.offset >= end && piece.size <= text.size() - piece.offset, "in order");
        end = piece.offset + piece.size;
        if (!piece.copy) continue;
        fuzz::claim(piece.data_offset >= end && piece.data_size <= text.size() - piece.data_offset, "data behind it");
        end = piece.data_offset + piece.data_size;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    migrate::PlaceholderRules rules;
    rules.values["a"] = "${a}";
    for (const auto encoding : {"UTF-8", "UTF-16", "ISO-8859-1", "US-ASCII"})
        fuzz::may_refuse([&] {
            fuzz::claim(base::valid_utf8(migrate::decoded(std::string(text), encoding, "x")), "UTF-8 comes out");
        });
    fuzz::may_refuse([&] {
        const auto replaced = migrate::replace_placeholders(text, "V1__x.sql", rules, nullptr);
        const bool none = text.find("${") == text.npos;
        fuzz::claim(!none || replaced.text == text, "a text without placeholders stays as it is");
    });
    fuzz::may_refuse([&] { migrate::parse_config(text, "x.conf", rules); });
    for (const bool dollars : {true, false}) fuzz::may_refuse([&] { split_of(text, dollars); });
    return 0;
}
