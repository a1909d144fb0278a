// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

namespace mtdb::base {

// CRC-32 as zlib computes it; `seed` continues an earlier one.
uint32_t crc32(std::string_view bytes, uint32_t seed = 0) noexcept;
// A fast, well-mixed 64-bit hash (not stable between versions; never stored).
uint64_t hash64(std::string_view bytes) noexcept;
// FNV-1a, 64 bit: stable, used for file fan-out.
uint64_t stable_hash64(std::string_view bytes) noexcept;

}  // namespace mtdb::base
