// SPDX-License-Identifier: MIT
#include "capi/boundary.hpp"

using namespace mtdb;
using namespace mtdb::capi;

extern "C" {

mtdb_status mtdb_db_stats(mtdb_db* db, mtdb_result** out, mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_result*& handle = required(out, "out");
        handle = handle_of<mtdb_result>(live(db, "db").stats());
        return MTDB_OK;
    });
}

mtdb_status mtdb_pool_stats(mtdb_db* db, mtdb_result** out, mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_result*& handle = required(out, "out");
        handle = handle_of<mtdb_result>(live(db, "db").pool_stats());
        return MTDB_OK;
    });
}

mtdb_status mtdb_tenant_stats(mtdb_db* db, const char* tenant, int64_t tenant_len,
                              mtdb_result** out, mtdb_error** err) {
    clear(out);
    return boundary(err, [&] {
        mtdb_result*& handle = required(out, "out");
        handle =
            handle_of<mtdb_result>(live(db, "db").tenant_stats(text(tenant, tenant_len, "tenant")));
        return MTDB_OK;
    });
}

}  // extern "C"
