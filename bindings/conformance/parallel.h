/* SPDX-License-Identifier: MIT
 * Many threads in few tenants: the vectors' call `parallel`. */
#ifndef MTDB_CONFORMANCE_PARALLEL_H
#define MTDB_CONFORMANCE_PARALLEL_H

#include <stdint.h>

#include "mtdb.h"

/* In round r thread t works in tenant t + r, counted around: it writes that tenant's id and counts rows of others. */
struct parallel {
    mtdb_db *db;
    const char *prefix; /* of the tenants' ids */
    const char *create; /* a table, in each tenant */
    const char *write; /* one row; the parameter is the tenant's id */
    const char *others; /* counts rows that are not of the parameter */
    const char *all; /* counts rows */
    int threads;
    int tenants;
    int rounds;
};

/* What was seen: rows of others, calls that failed, and the rows that are there at the end. */
struct parallel_result {
    int64_t strangers;
    int64_t failures;
    int64_t rows_min; /* of any tenant */
    int64_t rows_max;
};

struct parallel_result parallel_run(const struct parallel *what);

#endif
