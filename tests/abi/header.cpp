// SPDX-License-Identifier: MIT
// The headers are C++20 too, and the frozen structs have the layout that other programs were compiled with.
#include "mtdb.h"
#include "mtdb.h"
#include "mtdb_callback.h"
#include "mtdb_callback.h"

#define MTDB_UNSTABLE
#include "mtdb_unstable.h"
#include "mtdb_unstable.h"

#include <cstddef>
#include <type_traits>

static_assert(std::is_trivial_v<mtdb_block_header> && std::is_standard_layout_v<mtdb_block_header>);
static_assert(sizeof(mtdb_block_header) == 32 && alignof(mtdb_block_header) == 8);
static_assert(offsetof(mtdb_block_header, magic) == 0 && offsetof(mtdb_block_header, version) == 4);
static_assert(offsetof(mtdb_block_header, columns) == 8 && offsetof(mtdb_block_header, rows) == 12);
static_assert(offsetof(mtdb_block_header, total) == 16 && offsetof(mtdb_block_header, reserved) == 24);

static_assert(std::is_trivial_v<mtdb_block_column> && std::is_standard_layout_v<mtdb_block_column>);
static_assert(sizeof(mtdb_block_column) == 32 && alignof(mtdb_block_column) == 8);
static_assert(offsetof(mtdb_block_column, type) == 0 && offsetof(mtdb_block_column, reserved) == 4);
static_assert(offsetof(mtdb_block_column, validity) == 8 && offsetof(mtdb_block_column, data) == 16);
static_assert(offsetof(mtdb_block_column, heap) == 24);

static_assert(std::is_trivial_v<mtdb_driver_functions> && std::is_standard_layout_v<mtdb_driver_functions>);
static_assert(sizeof(mtdb_driver_functions) == 8 + 8 * sizeof(void*));
static_assert(offsetof(mtdb_driver_functions, size) == 0 && offsetof(mtdb_driver_functions, version) == 4);
static_assert(offsetof(mtdb_driver_functions, open) == 8);
static_assert(offsetof(mtdb_driver_functions, close) == 8 + sizeof(void*));
static_assert(offsetof(mtdb_driver_functions, lock) == 8 + 2 * sizeof(void*));
static_assert(offsetof(mtdb_driver_functions, unlock) == 8 + 3 * sizeof(void*));
static_assert(offsetof(mtdb_driver_functions, run) == 8 + 4 * sizeof(void*));
static_assert(offsetof(mtdb_driver_functions, set_version) == 8 + 5 * sizeof(void*));
static_assert(offsetof(mtdb_driver_functions, get_version) == 8 + 6 * sizeof(void*));
static_assert(offsetof(mtdb_driver_functions, drop) == 8 + 7 * sizeof(void*));

static_assert(sizeof(mtdb_status) == 4);

int main() { return mtdb_abi_require(MTDB_VERSION_MAJOR, MTDB_VERSION_MINOR, nullptr) == MTDB_OK ? 0 : 1; }
