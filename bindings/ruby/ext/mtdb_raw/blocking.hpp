// SPDX-License-Identifier: MIT
// Runs a library call without the GVL, and ends it by its cancel token when an exception wants into the waiting
// thread.
#pragma once

#include <pthread.h>
#include <ruby.h>
#include <ruby/thread.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "mtdb.h"

// Ruby raises by longjmp: no object with a destructor may stand on the stack around a call into Ruby.
namespace mtdb_ruby {

struct Work {
    void (*run)(void *);
    void *data;
};

inline void trigger(mtdb_cancel *token) {
    if (token != nullptr) mtdb_cancel_trigger(token, 0, nullptr);
}

// True while an exception waits that Thread.handle_interrupt holds back.
inline bool exception_waits() {
    static const ID pending_interrupt = rb_intern("pending_interrupt?");
    return RTEST(rb_funcall(rb_thread_current(), pending_interrupt, 0));
}

// Any thread but the main one: only an exception (or Thread#wakeup) interrupts it, so the unblock function cancels.
struct Call {
    Work work;
    mtdb_cancel *token;
    bool begun;
};

inline void *run_call(void *data) {
    Call *call = static_cast<Call *>(data);
    call->begun = true;
    call->work.run(call->work.data);
    return nullptr;
}

inline void cancel_call(void *data) { trigger(static_cast<Call *>(data)->token); }

inline void run_here(Work work, mtdb_cancel *token) {
    Call call = {work, token, false};
    while (!call.begun) {
        rb_thread_check_ints();
        if (exception_waits()) trigger(token);
        // Refuses to begin when an interrupt came since the check: hence the loop.
        rb_thread_call_without_gvl2(run_call, &call, cancel_call, &call);
    }
}

// A native thread that runs calls for Ruby's main thread. It is never freed: it ends with the process.
class Helper {
public:
    Helper() {
        sem_init(&work_given_, 0, 0);
        sem_init(&news_, 0, 0);
        // Signals are for Ruby's own threads.
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        std::thread([this] { serve(); }).detach();
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }

    void begin(Work work) {
        work_ = work;
        busy_ = true;
        sem_post(&work_given_);
    }
    bool busy() const { return busy_; }
    // Until the work is done or wake() was called; may return early.
    void wait() { sem_wait(&news_); }
    // Async-signal-safe: Ruby calls it from its signal handler.
    void wake() { sem_post(&news_); }

    Helper *next = nullptr;

private:
    void serve() {
        for (;;) {
            while (sem_wait(&work_given_) != 0) {
            }
            work_.run(work_.data);
            busy_ = false;
            sem_post(&news_);
        }
    }

    sem_t work_given_;
    sem_t news_;
    Work work_ = {};
    std::atomic<bool> busy_ = false;
};

// Idle helpers; only the main thread, with the GVL, touches them. A signal handler that calls the library while the
// main thread waits takes a second one. A forked child has none of its parent's threads.
struct Helpers {
    Helper *idle;
    pid_t owner;
};

inline Helpers &helpers() {
    static Helpers all = {nullptr, 0};
    if (all.owner != getpid()) all = {nullptr, getpid()};
    return all;
}

inline Helper *take_helper() {
    Helper *helper = helpers().idle;
    if (helper == nullptr) return new Helper;
    helpers().idle = helper->next;
    return helper;
}

inline void give_helper_back(Helper *helper) {
    helper->next = helpers().idle;
    helpers().idle = helper;
}

inline void *wait_for_helper(void *data) {
    static_cast<Helper *>(data)->wait();
    return nullptr;
}

inline void wake_waiter(void *data) { static_cast<Helper *>(data)->wake(); }

struct Waiting {
    Helper *helper;
    mtdb_cancel *token;
    VALUE raised;  // Array of the exceptions that came meanwhile, or nil
    bool ending;   // an exception waits that is held back
};

inline VALUE jump(VALUE state) { rb_jump_tag(FIX2INT(state)); }

inline VALUE post_all(RB_BLOCK_CALL_FUNC_ARGLIST(, raised)) {
    while (RARRAY_LEN(raised) > 0) {
        rb_funcall(rb_thread_current(), rb_intern("raise"), 1, rb_ary_entry(raised, 0));
        rb_ary_shift(raised);
    }
    return Qnil;
}

inline VALUE post_in_turn(VALUE raised) {
    VALUE never = rb_hash_new();
    rb_hash_aset(never, rb_cObject, ID2SYM(rb_intern("never")));
    return rb_block_call(rb_cThread, rb_intern("handle_interrupt"), 1, &never, post_all, raised);
}

// Takes the exception on its way out of Ruby's hands. False: it is none, but a `throw` or the end of the thread.
inline bool keep_raised(VALUE *raised) {
    if (!RTEST(rb_obj_is_kind_of(rb_errinfo(), rb_eException))) return false;
    if (NIL_P(*raised)) *raised = rb_ary_new();
    rb_ary_push(*raised, rb_errinfo());
    rb_set_errinfo(Qnil);
    return true;
}

// Posts exceptions anew, so that Thread.handle_interrupt holds them back like any other, and each comes in its turn:
// also one that comes before they are all posted.
inline void post(VALUE raised) {
    for (;;) {
        int state = 0;
        rb_protect(post_in_turn, raised, &state);
        if (state == 0) return;
        if (RARRAY_LEN(raised) > 0 && keep_raised(&raised)) continue;
        rb_jump_tag(state);
    }
}

inline VALUE look(VALUE data) {
    rb_thread_check_ints();
    reinterpret_cast<Waiting *>(data)->ending = exception_waits();
    return Qnil;
}

// Until the helper has done its work. A `throw` (Timeout) or the end of the thread is in Ruby's hands, where what comes
// next would take its place: then the rest of the waiting is the clean-up of rb_ensure, which keeps it.
inline VALUE wait_to_the_end(VALUE data) {
    Waiting *waiting = reinterpret_cast<Waiting *>(data);
    Helper *const helper = waiting->helper;
    while (helper->busy()) {
        rb_nogvl(wait_for_helper, helper, wake_waiter, helper, RB_NOGVL_INTR_FAIL | RB_NOGVL_UBF_ASYNC_SAFE);
        int state = 0;
        rb_protect(look, data, &state);
        if (helper->busy() && (state != 0 || waiting->ending)) trigger(waiting->token);
        if (state != 0 && !keep_raised(&waiting->raised))
            rb_ensure(jump, INT2FIX(state), wait_to_the_end, data);
    }
    give_helper_back(helper);
    if (!NIL_P(waiting->raised)) post(waiting->raised);
    return Qnil;
}

// The main thread: every trapped signal interrupts it, and only its handler knows whether that ends the call. So
// the call runs on a helper, an unblock only wakes the main thread, the handlers run, and what they raise cancels
// the call.
//
// The unblock must be async-signal-safe, and Ruby told so: for any other, a process of one Ruby thread starts a
// second one that inherits Thread.handle_interrupt(Object => :never), cannot be killed at the end, and is waited
// for without end.
inline void run_on_helper(Work work, mtdb_cancel *token) {
    rb_thread_check_ints();
    if (exception_waits()) trigger(token);
    Waiting waiting = {take_helper(), token, Qnil, false};
    waiting.helper->begin(work);
    wait_to_the_end(reinterpret_cast<VALUE>(&waiting));
    RB_GC_GUARD(waiting.raised);
}

template <class Action>
void call(mtdb_cancel *token, Action action) {
    const Work work = {[](void *data) { (*static_cast<Action *>(data))(); }, &action};
    if (rb_thread_current() == rb_thread_main())
        run_on_helper(work, token);
    else
        run_here(work, token);
}

}  // namespace mtdb_ruby
