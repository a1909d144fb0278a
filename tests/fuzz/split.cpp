// SPDX-License-Identifier: MIT
// The statements of a script lie in it, in order, apart from each other.
#include "migrate/split.hpp"

#include "fuzz.hpp"

using namespace mtdb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    // A byte order mark is no column.
    const std::size_t mark = text.starts_with("\xef\xbb\xbf") ? 3 : 0;
    const bool countable = base::valid_utf8(text);
    fuzz::may_refuse([&] {
        const auto split = migrate::split(text);
        std::size_t end = 0;
        int64_t number = 0;
        for (const auto& piece : split.pieces) {
            fuzz::claim(piece.size > 0 && piece.offset >= end && piece.size <= text.size() - piece.offset, "in order");
            fuzz::claim(piece.number > number && piece.number <= split.statements, "numbered in order");
            const auto position = base::position_of(text.substr(mark), piece.offset - mark);
            fuzz::claim(!countable || piece.position == position, "where it says");
            end = piece.offset + piece.size;
            number = piece.number;
        }
    });
    return 0;
}
