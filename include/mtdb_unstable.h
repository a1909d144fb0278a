/* SPDX-License-Identifier: MIT
 *
 * Calls without a promise: they may change or go with any release. Define MTDB_UNSTABLE before including this header.
 * Their symbols stand under the version MTDB_UNSTABLE.
 */
#ifndef MTDB_UNSTABLE_H
#define MTDB_UNSTABLE_H

#ifndef MTDB_UNSTABLE
#error "mtdb_unstable.h makes no promise of stability: define MTDB_UNSTABLE to use it all the same"
#endif

#include "mtdb.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How many objects behind handles are alive in this process: 0 once a program has released all that it was given. For
 * leak checks in tests.
 *
 * @errors none
 * @thread any
 * @since 0.1 */
MTDB_API int64_t mtdb_unstable_live_handles(void);

#ifdef __cplusplus
}
#endif

#endif /* MTDB_UNSTABLE_H */
