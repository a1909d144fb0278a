/* SPDX-License-Identifier: MIT
 * Declarations that no typemap knows: bindings/swig/check must refuse each of them. */
MTDB_API mtdb_status mtdb_wrong_unpaired(mtdb_db *db, const char *tenant, mtdb_error **err);
MTDB_API mtdb_status mtdb_wrong_unlisted(mtdb_db *db, const char *colour, int64_t colour_len, mtdb_error **err);
MTDB_API mtdb_status mtdb_wrong_unnamed(mtdb_db *, mtdb_error **err);
MTDB_API mtdb_status mtdb_wrong_size(mtdb_db *db, size_t size, mtdb_error **err);
MTDB_API mtdb_status mtdb_wrong_unsigned(mtdb_db *db, uint64_t count, mtdb_error **err);
MTDB_API mtdb_status mtdb_wrong_callback(mtdb_db *db, void (*call)(void *), mtdb_error **err);
MTDB_API mtdb_status mtdb_wrong_buffer(mtdb_db *db, void *bytes, int64_t cap, mtdb_error **err);
MTDB_API mtdb_status mtdb_wrong_error(mtdb_db *db, mtdb_error **err, int64_t count);
MTDB_API mtdb_status mtdb_wrong_borrowed(mtdb_db *db, const void **data, int64_t *data_len, mtdb_error **err);
MTDB_API const char *mtdb_wrong_text(mtdb_db *db);
MTDB_API void mtdb_wrong_release(mtdb_db *db);
MTDB_API mtdb_status mtdb_wrong_wait(mtdb_db *db, int64_t timeout_ms, mtdb_cancel *cancel, mtdb_error **err);
