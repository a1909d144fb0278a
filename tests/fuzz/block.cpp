// SPDX-License-Identifier: MIT
// A block that is believed can be read cell by cell, and built again with the same shape.
#include <cstring>
#include <memory>

#include "db/block.hpp"
#include "fuzz.hpp"

using namespace mtdb;

namespace {

void read_and_rebuild(const char* data, std::size_t size) {
    const auto view = db::BlockView::parse(data, static_cast<int64_t>(size));
    if (int64_t{view.rows()} * view.columns() > 100000) return;
    db::BlockBuilder builder;
    for (int32_t row = 0; row < view.rows(); ++row) {
        for (int32_t column = 0; column < view.columns(); ++column) builder.add(view.at(row, column));
        builder.end_row();
    }
    const auto& bytes = builder.finish();
    const auto again = db::BlockView::parse(bytes.data(), static_cast<int64_t>(bytes.size()));
    fuzz::claim(again.rows() == view.rows(), "a built block has as many rows");
    fuzz::claim(again.columns() == view.columns() || view.rows() == 0, "a built block has as many columns");
    for (int32_t row = 0; row < view.rows(); ++row)
        for (int32_t column = 0; column < view.columns(); ++column)
            fuzz::claim(again.at(row, column).type == view.at(row, column).type, "a built cell has the same type");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
    // A copy of exactly that size: a read past its end is seen.
    const auto copy = std::make_unique<char[]>(size);
    if (size > 0) std::memcpy(copy.get(), data, size);
    fuzz::may_refuse([&] { read_and_rebuild(copy.get(), size); });
    return 0;
}
