// SPDX-License-Identifier: MIT
#include "base/checksum.hpp"

#include <zlib.h>

#include <cstring>

namespace mtdb::base {
namespace {

__extension__ typedef unsigned __int128 Wide;

// Folds the 128-bit product of two words: every input bit reaches every output bit.
uint64_t mix(uint64_t a, uint64_t b) noexcept {
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

uint64_t load(const char* bytes, std::size_t size) noexcept {
    uint64_t word = 0;
    std::memcpy(&word, bytes, size);
    return word;
}

}  // namespace

uint32_t crc32(std::string_view bytes, uint32_t seed) noexcept {
    if (bytes.empty()) return seed;  // zlib takes a null pointer as "the initial value"
    return static_cast<uint32_t>(
        ::crc32_z(seed, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

uint64_t hash64(std::string_view bytes) noexcept {
    constexpr uint64_t secret_a = 0xa0761d6478bd642fU;
    constexpr uint64_t secret_b = 0xe7037ed1a0b428dbU;
    uint64_t state = secret_a ^ mix(bytes.size() ^ secret_b, secret_a);
    const char* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left > 16; at += 16, left -= 16)
        state = mix(load(at, 8) ^ secret_b, load(at + 8, 8) ^ state);
    // What is left, in two words that may overlap: no copy of a size that only the run knows.
    uint64_t a = 0;
    uint64_t b = 0;
    if (left >= 8) {
        a = load(at, 8);
        b = load(at + left - 8, 8);
    } else if (left >= 4) {
        a = load(at, 4);
        b = load(at + left - 4, 4);
    } else if (left > 0) {
        a = load(at, 1) << 16 | load(at + left / 2, 1) << 8 | load(at + left - 1, 1);
    }
    return mix(secret_b ^ bytes.size(), mix(a ^ secret_b, b ^ state));
}

uint64_t stable_hash64(std::string_view bytes) noexcept {
    uint64_t hash = 0xcbf29ce484222325U;
    for (const char byte : bytes) {
        hash ^= static_cast<unsigned char>(byte);
        hash *= 0x100000001b3U;
    }
    return hash;
}

}  // namespace mtdb::base
