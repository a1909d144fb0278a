// SPDX-License-Identifier: MIT
// Tokens: every call that waits carries a token of its own, through which a Timeout, a signal or a Mtdb::Cancel ends
// it. All of this is done with the GVL, which is the lock.
#include <algorithm>
#include <unordered_map>
#include <vector>

#include "native.hpp"

namespace mtdb_native {

namespace {

// Idle tokens of this process; a fork leaves them to the parent.
struct Tokens {
    std::vector<mtdb_cancel *> idle;
    int32_t owner = 0;
};

constexpr size_t idle_max = 256;

Tokens &tokens() {
    static Tokens *all = new Tokens;
    if (all->owner != forks) {
        all->idle.clear();
        all->owner = forks;
    }
    return *all;
}

struct Cancel {
    bool triggered;
    std::vector<mtdb_cancel *> *armed;  // the calls that run under it now
};

void free_cancel(void *data) {
    delete static_cast<Cancel *>(data)->armed;
    ruby_xfree(data);
}

const rb_data_type_t cancel_type = {
    "Mtdb::Cancel", {nullptr, free_cancel, nullptr, nullptr, {}}, nullptr, nullptr, RUBY_TYPED_FREE_IMMEDIATELY};

Cancel *cancel_of(VALUE self) { return static_cast<Cancel *>(rb_check_typeddata(self, &cancel_type)); }

VALUE allocate(VALUE type) {
    Cancel *cancel = nullptr;
    VALUE self = TypedData_Make_Struct(type, Cancel, &cancel_type, cancel);
    cancel->armed = new std::vector<mtdb_cancel *>;
    return self;
}

VALUE trigger(VALUE self) {
    Cancel *cancel = cancel_of(self);
    cancel->triggered = true;
    for (mtdb_cancel *token : *cancel->armed) mtdb_cancel_trigger(token, 0, nullptr);
    return self;
}

VALUE reset(VALUE self) {
    cancel_of(self)->triggered = false;
    return self;
}

VALUE is_triggered(VALUE self) { return cancel_of(self)->triggered ? Qtrue : Qfalse; }

struct Loan {
    mtdb_cancel *token;
    VALUE cancel;
    bool kept;  // a result has it
};

// The loans whose tokens are not kept.
std::unordered_map<const mtdb_cancel *, Loan *> &loans() {
    static auto *all = new std::unordered_map<const mtdb_cancel *, Loan *>;
    return *all;
}

VALUE lend(VALUE data) {
    const Loan *loan = reinterpret_cast<const Loan *>(data);
    return rb_yield(ULL2NUM(reinterpret_cast<uintptr_t>(loan->token)));
}

VALUE take_back(VALUE data) {
    Loan *loan = reinterpret_cast<Loan *>(data);
    disarm(loan->token, loan->cancel);
    if (loan->kept) return Qnil;
    loans().erase(loan->token);
    give_token_back(loan->token);
    return Qnil;
}

// Native.with_token(cancel) { |address| ... }: a token for one raw call, whose result may keep it.
VALUE with_token(VALUE, VALUE cancel) {
    if (!NIL_P(cancel)) cancel_of(cancel);
    Loan loan = {take_token(), cancel, false};
    loans()[loan.token] = &loan;
    arm(loan.token, cancel);
    return rb_ensure(lend, reinterpret_cast<VALUE>(&loan), take_back, reinterpret_cast<VALUE>(&loan));
}

}  // namespace

mtdb_cancel *take_token() {
    Tokens &all = tokens();
    mtdb_cancel *token = nullptr;
    if (!all.idle.empty()) {
        token = all.idle.back();
        all.idle.pop_back();
        return token;
    }
    mtdb_error *error = nullptr;
    raise_failure(mtdb_cancel_new(&token, &error), error);
    return token;
}

void give_token_back(mtdb_cancel *token) {
    if (token == nullptr) return;
    Tokens &all = tokens();
    if (all.idle.size() < idle_max)
        all.idle.push_back(token);
    else
        mtdb_cancel_release(token);
}

void keep_token(mtdb_cancel *token) {
    const auto place = loans().find(token);
    if (place == loans().end()) return;
    place->second->kept = true;
    loans().erase(place);
}

void arm(mtdb_cancel *token, VALUE cancel) {
    if (token == nullptr) return;
    mtdb_cancel_reset(token, nullptr, nullptr);
    if (NIL_P(cancel)) return;
    Cancel *shared = cancel_of(cancel);
    shared->armed->push_back(token);
    if (shared->triggered) mtdb_cancel_trigger(token, 0, nullptr);
}

void disarm(mtdb_cancel *token, VALUE cancel) {
    if (NIL_P(cancel)) return;
    std::vector<mtdb_cancel *> &armed = *cancel_of(cancel)->armed;
    const auto place = std::find(armed.begin(), armed.end(), token);
    if (place != armed.end()) armed.erase(place);
}

void init_token() {
    VALUE type = rb_define_class_under(rb_const_get(rb_cObject, rb_intern("Mtdb")), "Cancel", rb_cObject);
    rb_define_alloc_func(type, allocate);
    rb_define_method(type, "trigger", trigger, 0);
    rb_define_method(type, "reset", reset, 0);
    rb_define_method(type, "triggered?", is_triggered, 0);
    rb_undef_method(type, "initialize_copy");
    rb_define_singleton_method(native, "with_token", with_token, 1);
}

}  // namespace mtdb_native
