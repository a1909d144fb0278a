// SPDX-License-Identifier: MIT
// What the files of this extension share. Ruby raises by longjmp: nothing with a destructor stands on the stack
// around a call into Ruby, and what a library call returns is first put where a finalizer finds it.
#pragma once

#include <ruby.h>
#include <ruby/encoding.h>
#include <ruby/thread.h>

#include <cstdint>

#include "blocking.hpp"
#include "mtdb.h"

namespace mtdb_native {

extern VALUE native;      // Mtdb::Native
extern int64_t calls;     // library calls of the hot path since the process began
extern int32_t forks;     // forks between the first process and this one

// ---- handles (handle.cpp) ----

enum class Kind : int32_t { batch, conn, db, driver, fleet, migrator, options, quiesce, stmt };

struct Handle {
    void *pointer;  // NULL: never filled, or released
    Kind kind;
    int32_t born;  // `forks` when it was made
};

// The pointer of an open handle of this process; raises ClosedError or ForkedError.
void *pointer_of(VALUE handle, Kind kind);
// The pointer of a handle, or NULL when it is released or of the parent process.
void *open_pointer(VALUE handle);
// Puts what a library call returned under the care of a handle.
void fill(VALUE handle, void *pointer);
void release(VALUE handle);

// ---- failures (failure.cpp) ----

// Raises what a negative status means, and gives `error` back; does nothing for other statuses.
void raise_failure(mtdb_status status, mtdb_error *error);
[[noreturn]] void raise_status(mtdb_status status, const char *message);

// ---- tokens (token.cpp) ----

mtdb_cancel *take_token();
void give_token_back(mtdb_cancel *token);
// Arms a token for one call; `cancel` is a Mtdb::Cancel or nil.
void arm(mtdb_cancel *token, VALUE cancel);
void disarm(mtdb_cancel *token, VALUE cancel);

// The token that a block of Native.with_token has goes over to a result, which gives it back.
void keep_token(mtdb_cancel *token);

template <class Action>
struct Section {
    mtdb_cancel *token;
    Action *action;
};

template <class Action>
VALUE run_section(VALUE data) {
    auto *section = reinterpret_cast<Section<Action> *>(data);
    mtdb_ruby::call(section->token, *section->action);
    return Qnil;
}

// Runs an action without the GVL. What then wants to be raised (a Timeout, a signal handler's exception) is returned
// as a state for rb_jump_tag, so that the caller can first look after what the action returned; 0: nothing.
template <class Action>
int blocking(mtdb_cancel *token, VALUE cancel, Action action) {
    Section<Action> section = {token, &action};
    int state = 0;
    arm(token, cancel);
    rb_protect(run_section<Action>, reinterpret_cast<VALUE>(&section), &state);
    disarm(token, cancel);
    RB_GC_GUARD(cancel);
    return state;
}

// Runs a call that must not be left out, without the GVL: an exception that comes before it waits for its end. The
// state that is then due, or 0.
template <class Action>
int insist(mtdb_cancel *token, Action action) {
    bool begun = false;
    int due = 0;
    while (!begun) {
        const int state = blocking(token, Qnil, [&] {
            begun = true;
            action();
        });
        if (state != 0) due = state;
    }
    return due;
}

// ---- values (cell.cpp, decode.cpp) ----

// A String in UTF-8 whose bytes do not change while the library reads them.
VALUE text_of(VALUE string);
// A builder with these rows (an Array of Arrays), or NULL for nil; give it back with give_builder_back(), which keeps
// it unless its block was a large one.
mtdb_block *build_rows(VALUE rows);
void give_builder_back(mtdb_block *builder, int64_t size = 0);
// Binds an Array to a statement's parameters, from 1. False: a value needs a block.
bool bind_cells(mtdb_stmt *stmt, VALUE values);

enum class Form : int32_t { natural, raw, loose };

// A column of a block, its places found.
struct Column {
    int32_t type;
    int32_t rows;
    const unsigned char *validity;  // NULL: every row has a value
    const char *data;
    const char *heap;
};

// Finds the columns of a block.
void find_columns(const char *block, Column *columns);
VALUE decode_cell(const Column &column, int32_t row, Form form);

void init_cell();
void init_decode();
void init_failure();
void init_handle();
void init_lease();
void init_result();
void init_token();

}  // namespace mtdb_native
