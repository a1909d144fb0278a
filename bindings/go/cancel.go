// SPDX-License-Identifier: MIT

package mtdb

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mtdb/mtdb/bindings/go/internal/raw"
)

// canceller carries a context's end into the library. It belongs to one operation at a time: disarm returns only when
// the context can no longer touch the token, so a late cancel never meets the next operation.
type canceller struct {
	token   uintptr
	stop    func() bool
	settled chan struct{} // has a place for the one message of a trigger that ran
	fire    func()
}

const idleCancellersMax = 256

// Tokens that nobody uses, so that an operation under a context needs no call to make one.
var idleCancellers struct {
	sync.Mutex
	list []*canceller
}

func newCanceller() *canceller {
	idleCancellers.Lock()
	if n := len(idleCancellers.list); n > 0 {
		c := idleCancellers.list[n-1]
		idleCancellers.list = idleCancellers.list[:n-1]
		idleCancellers.Unlock()
		return c
	}
	idleCancellers.Unlock()
	var token, err uintptr
	if raw.Mtdb_cancel_new(&token, &err) != raw.MTDB_OK {
		raw.Mtdb_error_release(err)
		panic("mtdb: no memory for a cancel token")
	}
	c := &canceller{token: token, settled: make(chan struct{}, 1)}
	c.fire = func() {
		var err uintptr
		raw.Mtdb_cancel_trigger(c.token, 0, &err)
		raw.Mtdb_error_release(err)
		c.settled <- struct{}{}
	}
	return c
}

// watch arms a token for a context; nil, which is a token of 0, for one that never ends.
func watch(ctx context.Context) *canceller {
	if ctx.Done() == nil {
		return nil
	}
	c := newCanceller()
	c.stop = context.AfterFunc(ctx, c.fire)
	return c
}

func (c *canceller) handle() uintptr {
	if c == nil {
		return 0
	}
	return c.token
}

// disarm ends the watch. Nothing of the library may still carry the token.
func (c *canceller) disarm() {
	if c == nil {
		return
	}
	if !c.stop() {
		<-c.settled
		var generation int64
		var err uintptr
		raw.Mtdb_cancel_reset(c.token, &generation, &err)
		raw.Mtdb_error_release(err)
	}
	c.stop = nil
	idleCancellers.Lock()
	keep := len(idleCancellers.list) < idleCancellersMax
	if keep {
		idleCancellers.list = append(idleCancellers.list, c)
	}
	idleCancellers.Unlock()
	if !keep {
		raw.Mtdb_cancel_release(c.token)
	}
}

// timeoutOf is the time that a context leaves; an option's, when it has no deadline.
func timeoutOf(ctx context.Context) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, ended(ctx)
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		return int64(raw.MTDB_DEFAULT), nil
	}
	left := time.Until(deadline)
	if left <= 0 {
		return 0, context.DeadlineExceeded
	}
	return int64((left + time.Millisecond - 1) / time.Millisecond), nil
}

// ended is why a context has ended: its error, and its cause when that is another one.
func ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == nil || errors.Is(cause, err) {
		return err
	}
	return errors.Join(err, cause)
}

// waiting runs one call of the library under a context.
func waiting(ctx context.Context, call func(timeoutMS int64, cancel uintptr, err *uintptr) int32) (int32, error) {
	timeout, failed := timeoutOf(ctx)
	if failed != nil {
		return 0, failed
	}
	watched := watch(ctx)
	var err uintptr
	status := call(timeout, watched.handle(), &err)
	watched.disarm()
	return status, failureIn(ctx, status, err)
}
