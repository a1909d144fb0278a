// SPDX-License-Identifier: MIT
// Mtdb::Result: rows on their way from the library to a block. A call and the fetch of its first block are one stay
// outside of the GVL; later blocks are fetched as they are needed, and decoded row by row.
#include <cstdlib>
#include <vector>

#include "native.hpp"

namespace mtdb_native {

int64_t calls = 0;

namespace {

enum class Stage : int32_t { fresh, reading, ended };

constexpr int64_t first_capacity = 64 << 10;
constexpr int64_t largest_capacity = 1 << 20;

struct Result {
    mtdb_result *handle;
    mtdb_cancel *token;  // the one that the result keeps
    int32_t born;
    Stage stage;
    char *block;
    int64_t capacity;
    int64_t rows_max;
    Column *places;  // one for each column of the block
    int32_t columns;
    int32_t rows;
    int32_t row;     // the next one of the block
    bool has_block;
    bool complete;   // the library has no further rows
    bool busy;       // a call of it runs without the GVL
    bool keeps_sets; // each_set reads it: the end of a set is not the end
    int64_t affected;
    int64_t insert_id;
    VALUE names;   // frozen Array, or nil while not asked for
    VALUE owner;   // the lease, statement or db that it came from
    VALUE cancel;  // Mtdb::Cancel or nil
};

// Blocks of the first size, kept for the next result; with the GVL.
std::vector<char *> &idle_blocks() {
    static std::vector<char *> *all = new std::vector<char *>;
    return *all;
}

constexpr size_t idle_max = 8;

void give_block_back(Result *result) {
    if (result->block != nullptr && result->capacity == first_capacity && idle_blocks().size() < idle_max)
        idle_blocks().push_back(result->block);
    else
        free(result->block);
    result->block = nullptr;
    result->capacity = 0;
    result->has_block = false;
}

void mark_result(void *data) {
    const Result *result = static_cast<Result *>(data);
    rb_gc_mark(result->names);
    rb_gc_mark(result->owner);
    rb_gc_mark(result->cancel);
}

void drop_handle(Result *result) {
    if (result->born == forks) {
        mtdb_result_release(result->handle);
        give_token_back(result->token);
    }
    result->handle = nullptr;
    result->token = nullptr;
}

void free_result(void *data) {
    Result *result = static_cast<Result *>(data);
    drop_handle(result);
    free(result->block);
    free(result->places);
    ruby_xfree(result);
}

size_t size_of_result(const void *data) {
    return sizeof(Result) + static_cast<size_t>(static_cast<const Result *>(data)->capacity);
}

const rb_data_type_t result_type = {
    "Mtdb::Result", {mark_result, free_result, size_of_result, nullptr, {}}, nullptr, nullptr,
    RUBY_TYPED_FREE_IMMEDIATELY};

VALUE result_class;

Result *result_of(VALUE self) { return static_cast<Result *>(rb_check_typeddata(self, &result_type)); }

// The same, for what needs the library: not in a forked child, not after the end.
Result *live(VALUE self) {
    Result *result = result_of(self);
    if (result->born != forks) raise_status(MTDB_FORKED, "the result belongs to the parent process");
    if (result->handle == nullptr) raise_status(MTDB_CLOSED, "the result is closed");
    return result;
}

VALUE make_result(VALUE owner, VALUE cancel) {
    Result *result = nullptr;
    VALUE self = TypedData_Make_Struct(result_class, Result, &result_type, result);
    result->born = forks;
    result->names = result->owner = result->cancel = Qnil;
    result->owner = owner;
    result->cancel = cancel;
    result->token = take_token();
    return self;
}

// ---- fetching, without the GVL ----

struct Outcome {
    mtdb_status status;
    mtdb_error *error;
};

bool give_room(Result *result, int64_t capacity) {
    char *larger = static_cast<char *>(realloc(result->block, static_cast<size_t>(capacity)));
    if (larger == nullptr) return false;
    result->block = larger;
    result->capacity = capacity;
    return true;
}

bool take_block(Result *result) {
    const auto *header = reinterpret_cast<const mtdb_block_header *>(result->block);
    if (result->places == nullptr || header->columns > result->columns) {
        void *places = realloc(result->places, static_cast<size_t>(header->columns + 1) * sizeof *result->places);
        if (places == nullptr) return false;
        result->places = static_cast<Column *>(places);
    }
    find_columns(result->block, result->places);
    result->columns = header->columns;
    result->rows = header->rows;
    result->row = 0;
    result->has_block = true;
    return true;
}

void fetch_block(Result *result, Outcome *outcome) {
    int64_t rows = 0;
    int64_t used = 0;
    for (;;) {
        ++calls;
        outcome->status = mtdb_result_fetch(result->handle, result->block, result->capacity, result->rows_max, &rows,
                                            &used, &outcome->error);
        if (outcome->status != MTDB_TRUNCATED) break;
        if (!give_room(result, used > result->capacity ? used : 2 * result->capacity)) {
            outcome->status = MTDB_NOMEM;
            return;
        }
    }
    if (outcome->status < 0) return;
    if (!take_block(result)) {
        outcome->status = MTDB_NOMEM;
        return;
    }
    result->complete = outcome->status == MTDB_DONE;
    if (!result->complete) return;
    mtdb_result_affected(result->handle, &result->affected, nullptr);
    mtdb_result_insert_id(result->handle, &result->insert_id, nullptr);
}

void begin_block(Result *result, VALUE limits) {
    result->rows_max = NIL_P(limits) ? 0 : NUM2LL(rb_ary_entry(limits, 0));
    int64_t capacity = NIL_P(limits) ? 0 : NUM2LL(rb_ary_entry(limits, 1));
    if (capacity < 64) capacity = first_capacity;
    if (capacity == first_capacity && !idle_blocks().empty()) {
        result->block = idle_blocks().back();
        idle_blocks().pop_back();
        result->capacity = capacity;
    } else if (!give_room(result, capacity)) {
        rb_memerror();
    }
}

// After a call that failed or was unwound: nothing of it stays. What was unwound is closed, because the rows of a fleet
// come from a run that has leases.
void settle(Result *result, int state, Outcome outcome) {
    if (state == 0 && outcome.status >= 0) return;
    if (state != 0 && result->handle != nullptr) {
        result->busy = true;
        insist(nullptr, [&] { mtdb_result_close(result->handle, nullptr); });
        result->busy = false;
    }
    drop_handle(result);
    give_block_back(result);
    result->stage = Stage::ended;
    if (state != 0) {
        mtdb_error_release(outcome.error);
        rb_jump_tag(state);
    }
    raise_failure(outcome.status, outcome.error);
}

void refuse_second_thread(const Result *result) {
    if (result->busy) raise_status(MTDB_MISUSE, "another thread reads this result");
}

void fetch_next(Result *result) {
    refuse_second_thread(result);
    if (result->has_block && result->rows_max == 0 && result->capacity < largest_capacity)
        give_room(result, result->capacity * 4);
    Outcome outcome = {MTDB_OK, nullptr};
    result->busy = true;
    const int state = blocking(result->token, result->cancel, [&] { fetch_block(result, &outcome); });
    result->busy = false;
    settle(result, state, outcome);
}

// ---- calls that make a result ----

struct Place {
    VALUE handle;  // Native::Handle of a lease, or of a db with a tenant
    VALUE tenant;  // nil: a lease
    VALUE sql;
};

int64_t timeout_of(VALUE milliseconds) { return NIL_P(milliseconds) ? MTDB_DEFAULT : NUM2LL(milliseconds); }

struct Parameters {
    const void *data;
    int64_t size;
};

Parameters block_of(mtdb_block *builder) {
    Parameters parameters = {nullptr, 0};
    mtdb_error *error = nullptr;
    if (builder == nullptr) return parameters;
    const mtdb_status status = mtdb_block_data(builder, &parameters.data, &parameters.size, &error);
    if (status != MTDB_OK) give_builder_back(builder);
    raise_failure(status, error);
    return parameters;
}

mtdb_status begin_query(const Place &place, void *target, Parameters parameters, int64_t timeout_ms, Result *result,
                        mtdb_error **error) {
    const char *sql = RSTRING_PTR(place.sql);
    const int64_t size = RSTRING_LEN(place.sql);
    ++calls;
    if (NIL_P(place.tenant))
        return mtdb_conn_query(static_cast<mtdb_conn *>(target), sql, size, parameters.data, parameters.size,
                               timeout_ms, result->token, &result->handle, error);
    return mtdb_db_query(static_cast<mtdb_db *>(target), RSTRING_PTR(place.tenant), RSTRING_LEN(place.tenant), sql,
                         size, parameters.data, parameters.size, timeout_ms, result->token, &result->handle, error);
}

Place place_of(VALUE handle, VALUE tenant, VALUE sql) {
    return {handle, NIL_P(tenant) ? Qnil : text_of(tenant), text_of(sql)};
}

// Native.query(handle, tenant, sql, params, timeout_ms, cancel, owner, limits): a Result, or nil when the library
// needs something first. `params` is an Array or nil, `limits` [rows a block, bytes of the first block] or nil.
VALUE query(VALUE, VALUE handle, VALUE tenant, VALUE sql, VALUE params, VALUE timeout, VALUE cancel, VALUE owner,
            VALUE limits) {
    const Place place = place_of(handle, tenant, sql);
    void *target = pointer_of(handle, NIL_P(tenant) ? Kind::conn : Kind::db);
    VALUE rows = NIL_P(params) || RARRAY_LEN(params) == 0 ? Qnil : rb_ary_new_from_args(1, params);
    const int64_t timeout_ms = timeout_of(timeout);
    VALUE self = make_result(owner, cancel);
    Result *result = result_of(self);
    begin_block(result, limits);
    mtdb_block *builder = build_rows(rows);
    const Parameters parameters = block_of(builder);
    Outcome outcome = {MTDB_OK, nullptr};
    const int state = blocking(result->token, cancel, [&] {
        outcome.status = begin_query(place, target, parameters, timeout_ms, result, &outcome.error);
        if (outcome.status == MTDB_OK) fetch_block(result, &outcome);
    });
    give_builder_back(builder, parameters.size);
    settle(result, state, outcome);
    VALUE kept[] = {place.tenant, place.sql, handle};
    RB_GC_GUARD(kept[0]);
    RB_GC_GUARD(kept[1]);
    RB_GC_GUARD(kept[2]);
    return outcome.status == MTDB_NEEDS ? Qnil : self;
}

// Native.exec(handle, tenant, sql, rows, timeout_ms, cancel): rows changed, or nil when the library needs something
// first. `rows` is an Array of Arrays: the statement runs once for each.
VALUE exec(VALUE, VALUE handle, VALUE tenant, VALUE sql, VALUE rows, VALUE timeout, VALUE cancel) {
    Place place = place_of(handle, tenant, sql);
    void *target = pointer_of(handle, NIL_P(tenant) ? Kind::conn : Kind::db);
    const int64_t timeout_ms = timeout_of(timeout);
    mtdb_block *builder = build_rows(rows);
    const Parameters parameters = block_of(builder);
    mtdb_cancel *token = take_token();
    Outcome outcome = {MTDB_OK, nullptr};
    int64_t affected = 0;
    const int state = blocking(token, cancel, [&] {
        const char *text = RSTRING_PTR(place.sql);
        const int64_t size = RSTRING_LEN(place.sql);
        ++calls;
        outcome.status =
            NIL_P(place.tenant)
                ? mtdb_conn_exec(static_cast<mtdb_conn *>(target), text, size, parameters.data, parameters.size,
                                 timeout_ms, token, &affected, &outcome.error)
                : mtdb_db_exec(static_cast<mtdb_db *>(target), RSTRING_PTR(place.tenant), RSTRING_LEN(place.tenant),
                               text, size, parameters.data, parameters.size, timeout_ms, token, &affected,
                               &outcome.error);
    });
    give_token_back(token);
    give_builder_back(builder, parameters.size);
    RB_GC_GUARD(place.sql);
    RB_GC_GUARD(place.tenant);
    RB_GC_GUARD(handle);
    if (state != 0) {
        mtdb_error_release(outcome.error);
        rb_jump_tag(state);
    }
    raise_failure(outcome.status, outcome.error);
    return outcome.status == MTDB_NEEDS ? Qnil : LL2NUM(affected);
}

// Native.execute(stmt, params, timeout_ms, cancel, owner, limits): a Result; nil when a value needs a block.
VALUE execute(VALUE, VALUE handle, VALUE params, VALUE timeout, VALUE cancel, VALUE owner, VALUE limits) {
    mtdb_stmt *stmt = static_cast<mtdb_stmt *>(pointer_of(handle, Kind::stmt));
    const int64_t timeout_ms = timeout_of(timeout);
    mtdb_error *error = nullptr;
    raise_failure(mtdb_stmt_clear(stmt, &error), error);
    if (!bind_cells(stmt, params)) return Qnil;
    VALUE self = make_result(owner, cancel);
    Result *result = result_of(self);
    begin_block(result, limits);
    Outcome outcome = {MTDB_OK, nullptr};
    const int state = blocking(result->token, cancel, [&] {
        ++calls;
        outcome.status = mtdb_stmt_execute(stmt, timeout_ms, result->token, &result->handle, &outcome.error);
        if (outcome.status == MTDB_OK) fetch_block(result, &outcome);
    });
    settle(result, state, outcome);
    RB_GC_GUARD(handle);
    return self;
}

// Native.adopt(address, owner, token, cancel): the result of a raw call, which keeps the call's token (nil: it had
// none) and its Mtdb::Cancel (nil or left out: none).
VALUE adopt(int count, VALUE *arguments, VALUE) {
    VALUE address, owner, token, cancel;
    rb_scan_args(count, arguments, "31", &address, &owner, &token, &cancel);
    auto *handle = reinterpret_cast<mtdb_result *>(NUM2ULL(address));
    VALUE self = make_result(owner, cancel);
    Result *result = result_of(self);
    result->handle = handle;
    if (!NIL_P(token)) {
        give_token_back(result->token);
        result->token = reinterpret_cast<mtdb_cancel *>(NUM2ULL(token));
        keep_token(result->token);
    }
    begin_block(result, Qnil);
    return self;
}

// ---- reading ----

VALUE read_names(Result *result) {
    if (!NIL_P(result->names)) return result->names;
    int32_t count = 0;
    mtdb_error *error = nullptr;
    raise_failure(mtdb_result_column_count(result->handle, &count, &error), error);
    VALUE names = rb_ary_new_capa(count);
    for (int32_t column = 0; column < count; ++column) {
        char buf[256];
        int64_t needed = 0;
        mtdb_status status = mtdb_result_column_name(result->handle, column, buf, sizeof buf, &needed, &error);
        VALUE longer = Qnil;
        if (status == MTDB_TRUNCATED) {
            longer = rb_str_new(nullptr, static_cast<long>(needed));
            status = mtdb_result_column_name(result->handle, column, RSTRING_PTR(longer), needed, &needed, &error);
        }
        raise_failure(status, error);
        const char *name = NIL_P(longer) ? buf : RSTRING_PTR(longer);
        rb_ary_push(names, rb_enc_interned_str(name, static_cast<long>(needed), rb_utf8_encoding()));
        RB_GC_GUARD(longer);
    }
    result->names = rb_obj_freeze(names);
    return names;
}

struct Reading {
    VALUE self;
    Result *result;
    Form form;
    VALUE keys;  // nil: rows are Arrays
};

constexpr int32_t cells_on_stack = 32;

VALUE row_array(Result *result, Form form) {
    const int32_t row = result->row++;
    if (result->columns > cells_on_stack) {
        VALUE cells = rb_ary_new_capa(result->columns);
        for (int32_t column = 0; column < result->columns; ++column)
            rb_ary_push(cells, decode_cell(result->places[column], row, form));
        return rb_obj_freeze(cells);
    }
    VALUE cells[cells_on_stack];
    for (int32_t column = 0; column < result->columns; ++column)
        cells[column] = decode_cell(result->places[column], row, form);
    VALUE array = rb_ary_new_from_values(result->columns, cells);
    RB_OBJ_FREEZE_RAW(array);
    return array;
}

VALUE row_hash(Result *result, Form form, VALUE keys) {
    const int32_t row = result->row++;
    VALUE hash = rb_hash_new();
    for (int32_t column = 0; column < result->columns; ++column)
        rb_hash_aset(hash, rb_ary_entry(keys, column), decode_cell(result->places[column], row, form));
    return form == Form::loose ? hash : rb_obj_freeze(hash);
}

VALUE yield_rows(VALUE data) {
    const Reading *reading = reinterpret_cast<const Reading *>(data);
    Result *result = reading->result;
    for (;;) {
        // The block may close the result, and another thread be in it: fetch_next() refuses then.
        while (!result->busy && result->has_block && result->row < result->rows)
            rb_yield(NIL_P(reading->keys) ? row_array(result, reading->form)
                                          : row_hash(result, reading->form, reading->keys));
        if (result->complete || result->stage == Stage::ended) return reading->self;
        fetch_next(result);
    }
}

VALUE names_before_the_end(VALUE data) { return read_names(reinterpret_cast<Result *>(data)); }

// Ends the reading. What was not read is dropped by the library; that may take I/O, and is done without the GVL.
VALUE finish(VALUE self) {
    Result *result = result_of(self);
    refuse_second_thread(result);
    result->stage = Stage::ended;
    if (result->handle == nullptr || result->born != forks) return Qnil;
    if (result->keeps_sets && result->complete) return Qnil;
    int state = 0;
    rb_protect(names_before_the_end, reinterpret_cast<VALUE>(result), &state);
    if (state != 0) rb_set_errinfo(Qnil);
    state = 0;
    if (!result->complete) {
        ++calls;
        result->busy = true;
        state = insist(result->token, [&] {
            mtdb_result_close(result->handle, nullptr);
            mtdb_result_affected(result->handle, &result->affected, nullptr);
            mtdb_result_insert_id(result->handle, &result->insert_id, nullptr);
        });
        result->busy = false;
    }
    drop_handle(result);
    give_block_back(result);
    if (state != 0) rb_jump_tag(state);
    return Qnil;
}

Result *begin_reading(VALUE self) {
    Result *result = result_of(self);
    if (result->born != forks) raise_status(MTDB_FORKED, "the result belongs to the parent process");
    if (result->stage != Stage::fresh)
        raise_status(MTDB_INVALID_STATE, "the rows of a result are read once; keep them with to_a");
    if (result->handle == nullptr) raise_status(MTDB_CLOSED, "the result is closed");
    result->stage = Stage::reading;
    return result;
}

VALUE each_as(VALUE self, Form form, VALUE keys) {
    Reading reading = {self, begin_reading(self), form, keys};
    return rb_ensure(yield_rows, reinterpret_cast<VALUE>(&reading), finish, self);
}

VALUE each(VALUE self) {
    RETURN_ENUMERATOR(self, 0, nullptr);
    return each_as(self, Form::natural, Qnil);
}

VALUE each_raw(VALUE self) {
    RETURN_ENUMERATOR(self, 0, nullptr);
    return each_as(self, Form::raw, Qnil);
}

// `loose`: the Hashes and the Strings in them are not frozen.
VALUE each_keyed(VALUE self, VALUE keys, VALUE loose) {
    Check_Type(keys, T_ARRAY);
    return each_as(self, RTEST(loose) ? Form::loose : Form::natural, keys);
}

// The rows of the next block and, before them, its column types; nil behind the last block.
VALUE next_block(VALUE self, VALUE raw) {
    Result *result = live(self);
    refuse_second_thread(result);
    if (result->stage == Stage::fresh) result->stage = Stage::reading;
    if (!result->has_block || result->row >= result->rows) {
        if (result->complete) return finish(self);
        fetch_next(result);
        if (result->rows == 0 && result->complete) return finish(self);
    }
    VALUE types = rb_ary_new_capa(result->columns);
    for (int32_t column = 0; column < result->columns; ++column)
        rb_ary_push(types, INT2NUM(result->places[column].type));
    VALUE rows = rb_ary_new_capa(result->rows);
    while (result->row < result->rows) rb_ary_push(rows, row_array(result, RTEST(raw) ? Form::raw : Form::natural));
    RB_GC_GUARD(self);
    return rb_ary_new_from_args(2, types, rows);
}

VALUE columns(VALUE self) {
    Result *result = result_of(self);
    return NIL_P(result->names) ? read_names(live(self)) : result->names;
}

VALUE declared(VALUE self) {
    Result *result = live(self);
    const long count = RARRAY_LEN(columns(self));
    VALUE all = rb_ary_new_capa(count);
    for (int32_t column = 0; column < count; ++column) {
        VALUE text = rb_utf8_str_new(nullptr, 256);
        int64_t needed = 0;
        mtdb_error *error = nullptr;
        mtdb_status status = mtdb_result_column_declared(result->handle, column, RSTRING_PTR(text), 256, &needed,
                                                         &error);
        if (status == MTDB_TRUNCATED) {
            text = rb_utf8_str_new(nullptr, static_cast<long>(needed));
            status = mtdb_result_column_declared(result->handle, column, RSTRING_PTR(text), needed, &needed, &error);
        }
        raise_failure(status, error);
        rb_str_set_len(text, static_cast<long>(needed));
        rb_ary_push(all, rb_obj_freeze(text));
    }
    return rb_obj_freeze(all);
}

// [type, nullable] of each column, as far as they are known before the values.
VALUE column_types(VALUE self) {
    Result *result = live(self);
    const long count = RARRAY_LEN(columns(self));
    VALUE all = rb_ary_new_capa(count);
    for (int32_t column = 0; column < count; ++column) {
        int32_t type = 0;
        int32_t nullable = -1;
        mtdb_error *error = nullptr;
        raise_failure(mtdb_result_column_type(result->handle, column, &type, &nullable, &error), error);
        rb_ary_push(all, rb_ary_new_from_args(2, INT2NUM(type), INT2NUM(nullable)));
    }
    return rb_obj_freeze(all);
}

VALUE count_of(VALUE self, bool insert_id) {
    Result *result = result_of(self);
    if (result->handle != nullptr && result->born == forks && !result->complete) {
        mtdb_result_affected(result->handle, &result->affected, nullptr);
        mtdb_result_insert_id(result->handle, &result->insert_id, nullptr);
    }
    return LL2NUM(insert_id ? result->insert_id : result->affected);
}

VALUE affected(VALUE self) { return count_of(self, false); }
VALUE insert_id(VALUE self) { return count_of(self, true); }

VALUE close_result(VALUE self) {
    result_of(self)->keeps_sets = false;
    return finish(self);
}

// Begins to read set by set: true. Moves to the next one: false when there is none.
VALUE keep_sets(VALUE self) {
    live(self)->keeps_sets = true;
    return Qtrue;
}

VALUE next_set(VALUE self) {
    Result *result = live(self);
    refuse_second_thread(result);
    Outcome outcome = {MTDB_OK, nullptr};
    bool moved = false;
    ++calls;
    result->busy = true;
    const int state = blocking(result->token, result->cancel, [&] {
        outcome.status = mtdb_result_next_set(result->handle, &outcome.error);
        moved = outcome.status == MTDB_OK;
        if (moved) fetch_block(result, &outcome);
    });
    result->busy = false;
    settle(result, state, outcome);
    RB_GC_GUARD(self);
    if (!moved) return Qfalse;
    result->names = Qnil;
    result->stage = Stage::fresh;
    return Qtrue;
}

VALUE is_closed(VALUE self) { return result_of(self)->handle == nullptr ? Qtrue : Qfalse; }

// Native.rows(block, size): the rows of a block that a raw call filled.
VALUE rows_of_block(VALUE, VALUE block, VALUE size) {
    Result view = {};
    view.block = StringValuePtr(block);  // of a String that nobody else sees
    const auto *header = reinterpret_cast<const mtdb_block_header *>(view.block);
    if (NUM2LL(size) > RSTRING_LEN(block) || NUM2LL(size) < static_cast<int64_t>(sizeof *header) ||
        header->magic != MTDB_BLOCK_MAGIC)
        raise_status(MTDB_INVALID_ARGUMENT, "not a block");
    VALUE places = rb_str_new(nullptr, static_cast<long>(sizeof(Column)) * header->columns);
    view.places = reinterpret_cast<Column *>(RSTRING_PTR(places));
    find_columns(view.block, view.places);
    view.columns = header->columns;
    view.rows = header->rows;
    VALUE rows = rb_ary_new_capa(view.rows);
    while (view.row < view.rows) rb_ary_push(rows, row_array(&view, Form::natural));
    RB_GC_GUARD(block);
    RB_GC_GUARD(places);
    return rows;
}

VALUE library_calls(VALUE) { return LL2NUM(calls); }

}  // namespace

void init_result() {
    result_class = rb_define_class_under(rb_const_get(rb_cObject, rb_intern("Mtdb")), "Result", rb_cObject);
    rb_gc_register_mark_object(result_class);
    rb_undef_alloc_func(result_class);
    rb_include_module(result_class, rb_mEnumerable);
    rb_define_method(result_class, "each", each, 0);
    rb_define_method(result_class, "each_raw", each_raw, 0);
    rb_define_method(result_class, "columns", columns, 0);
    rb_define_method(result_class, "declared", declared, 0);
    rb_define_method(result_class, "affected", affected, 0);
    rb_define_method(result_class, "insert_id", insert_id, 0);
    rb_define_method(result_class, "closed?", is_closed, 0);
    rb_define_private_method(result_class, "each_keyed", each_keyed, 2);
    rb_define_method(result_class, "close", close_result, 0);
    rb_define_private_method(result_class, "keep_sets", keep_sets, 0);
    rb_define_private_method(result_class, "next_set", next_set, 0);
    rb_define_private_method(result_class, "next_block", next_block, 1);
    rb_define_private_method(result_class, "column_types", column_types, 0);
    rb_define_singleton_method(native, "query", query, 8);
    rb_define_singleton_method(native, "exec", exec, 6);
    rb_define_singleton_method(native, "execute", execute, 6);
    rb_define_singleton_method(native, "adopt", adopt, -1);
    rb_define_singleton_method(native, "rows", rows_of_block, 2);
    rb_define_singleton_method(native, "library_calls", library_calls, 0);
}

}  // namespace mtdb_native
