// SPDX-License-Identifier: MIT

package mtdb

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/mtdb/mtdb/bindings/go/internal/raw"
)

const (
	firstBufferBytes = 64 << 10
	nextBufferBytes  = 256 << 10
	metaBytes        = 4 << 10
	paramsRoom       = 512
)

var (
	// Behind the block there is room for the columns' description.
	firstBuffers = sync.Pool{New: func() any {
		b := make([]byte, firstBufferBytes, firstBufferBytes+metaBytes)
		return &b
	}}
	nextBuffers = sync.Pool{New: func() any { b := make([]byte, nextBufferBytes); return &b }}
)

// guard lets one goroutine at a time into a lease, statement or rows.
type guard struct{ busy atomic.Bool }

func (g *guard) enter() error {
	if g.busy.CompareAndSwap(false, true) {
		return nil
	}
	misuse := &Error{Code: CodeMisuse, Message: "two goroutines are in one lease", SQLState: "HY010", Engine: "mtdb",
		Effect: EffectNone}
	if strict {
		panic(misuse)
	}
	return misuse
}

func (g *guard) leave() { g.busy.Store(false) }

// ending is what the end of a result is besides its own.
type ending bool

const (
	endsNothing = ending(false)
	endsWork    = ending(true) // work that goes on for the result: it is stopped, and what it has begun waited for
)

// cursor reads the blocks of one result. Its lease's guard keeps others out; a one-shot result has its own.
type cursor struct {
	ctx     context.Context
	guard   *guard
	own     guard
	result  uintptr // 0: read to its end and released
	columns *columns
	buffer  *[]byte // of a pool, but for a row that needs more
	block   block
	status  int32 // of the last fetch
	watched *canceller
	failed  error
	closed  bool
	ends    ending
	summary Result
	cleanup runtime.Cleanup
	netted  bool
}

// start runs a statement and reads its first block.
func (c *cursor) start(ctx context.Context, db *DB, who *raw.Who, query string, params []byte) error {
	if c.guard == nil {
		c.guard = &c.own
	}
	c.ctx = ctx
	for {
		timeout, err := timeoutOf(ctx)
		if err != nil {
			return err
		}
		var out raw.Out
		c.buffer = firstBuffers.Get().(*[]byte)
		c.watched = watch(ctx)
		status := raw.Query(who, query, params, timeout, c.watched.handle(), *c.buffer, c.meta(), &out)
		if status == raw.MTDB_OK {
			return c.first(&out)
		}
		c.drop()
		if err := failureIn(ctx, status, out.Err()); err != nil || status != raw.MTDB_NEEDS {
			return err
		}
		if err := db.resolve(ctx); err != nil {
			return err
		}
	}
}

// adopt reads a result that another call of the library made.
func (c *cursor) adopt(ctx context.Context, result uintptr) error {
	c.ctx, c.guard = ctx, &c.own
	var out raw.Out
	c.buffer = firstBuffers.Get().(*[]byte)
	status := raw.First(result, *c.buffer, c.meta(), &out)
	if status != raw.MTDB_OK {
		c.drop()
		return failureIn(ctx, status, out.Err())
	}
	return c.first(&out)
}

// meta is the room behind a first buffer.
func (c *cursor) meta() []byte { return (*c.buffer)[firstBufferBytes : firstBufferBytes+metaBytes] }

func (c *cursor) first(out *raw.Out) error {
	c.result, c.status = out.Result(), out.Fetch()
	c.summary = Result{out.Affected(), out.InsertID()}
	if n := out.Meta(); n >= 0 {
		c.columns = columnsOf(c.meta()[:n])
	} else {
		c.columns = c.askColumns()
	}
	if c.result == 0 {
		c.watched.disarm()
		c.watched = nil
	}
	if c.status == raw.MTDB_TRUNCATED {
		c.grow(out.Used())
		err := c.fetch()
		if err != nil {
			_ = c.end()
		}
		return err
	}
	c.block.parse((*c.buffer)[:out.Used()])
	return nil
}

// grow takes a buffer of at least so many bytes.
func (c *cursor) grow(bytes int64) {
	c.giveBuffer()
	if bytes <= nextBufferBytes {
		c.buffer = nextBuffers.Get().(*[]byte)
		return
	}
	large := make([]byte, (bytes+7)/8*8)
	c.buffer = &large
}

// more brings the next block, and tells whether it has rows. The guard is the caller's.
func (c *cursor) more() (bool, error) {
	for c.failed == nil {
		if c.status == raw.MTDB_DONE || c.closed {
			return false, nil
		}
		if len(*c.buffer) < nextBufferBytes {
			c.grow(nextBufferBytes)
		}
		if c.failed = c.fetch(); c.failed == nil && c.block.rows > 0 {
			return true, nil
		}
	}
	return false, c.failed
}

func (c *cursor) fetch() error {
	for {
		var rows, used int64
		var err uintptr
		c.status = raw.Mtdb_result_fetch(c.result, *c.buffer, 0, &rows, &used, &err)
		if c.status != raw.MTDB_TRUNCATED {
			if failed := failureIn(c.ctx, c.status, err); failed != nil {
				return failed
			}
			c.block.parse((*c.buffer)[:used])
			return nil
		}
		c.grow(used)
	}
}

func (c *cursor) giveBuffer() {
	switch {
	case c.buffer == nil:
	case len(*c.buffer) == firstBufferBytes:
		firstBuffers.Put(c.buffer)
	case len(*c.buffer) == nextBufferBytes:
		nextBuffers.Put(c.buffer)
	}
	c.buffer = nil
}

// drop gives back all but the result.
func (c *cursor) drop() {
	c.giveBuffer()
	c.watched.disarm()
	c.watched = nil
}

// end releases the result, which gives a one-shot call's lease back.
func (c *cursor) end() (failed error) {
	if c.closed {
		return nil
	}
	c.closed = true
	if c.netted {
		c.cleanup.Stop()
	}
	if c.result != 0 {
		if c.ends == endsWork {
			var err uintptr
			failed = failure(raw.Mtdb_result_close(c.result, &err), err)
		}
		raw.Mtdb_result_release(c.result)
		c.result = 0
	}
	c.block = block{}
	c.drop()
	return failed
}

// columns describe the rows of a result.
type columns struct {
	names    []string
	declared []string // "" where it is not known, or would have to be asked of the server
	types    []Type
	nullable []int32
	times    []bool // declared as a date or time on SQLite
}

// Descriptions that were seen before, by their bytes: the same statement has the same one.
var seenColumns struct {
	sync.RWMutex
	byMeta map[string]*columns
}

const seenColumnsMax = 4096

func columnsOf(meta []byte) *columns {
	seenColumns.RLock()
	seen := seenColumns.byMeta[string(meta)]
	seenColumns.RUnlock()
	if seen != nil {
		return seen
	}
	made := &columns{}
	for at := 0; at < len(meta); {
		name, declared := int(int32At(meta, at+8)), int(int32At(meta, at+12))
		text := meta[at+16:]
		made.add(string(text[:name]), string(text[name:name+max(declared, 0)]), Type(int32At(meta, at)), int32At(meta, at+4))
		at += 16 + name + max(declared, 0)
	}
	seenColumns.Lock()
	if seenColumns.byMeta == nil || len(seenColumns.byMeta) >= seenColumnsMax {
		seenColumns.byMeta = make(map[string]*columns)
	}
	seenColumns.byMeta[string(meta)] = made
	seenColumns.Unlock()
	return made
}

func (c *columns) add(name, declared string, kind Type, nullable int32) {
	c.names = append(c.names, name)
	c.declared = append(c.declared, declared)
	c.types = append(c.types, kind)
	c.nullable = append(c.nullable, nullable)
	c.times = append(c.times, declaresTime(declared))
}

// index finds a column by its name, or is -1.
func (c *columns) index(name string) int { return slices.Index(c.names, name) }

// askColumns is for descriptions that are longer than the room for them.
func (c *cursor) askColumns() *columns {
	made := &columns{}
	var count int32
	var err uintptr
	raw.Mtdb_result_column_count(c.result, &count, &err)
	raw.Mtdb_error_release(err)
	for i := range count {
		var kind, nullable int32
		raw.Mtdb_result_column_type(c.result, i, &kind, &nullable, &err)
		raw.Mtdb_error_release(err)
		name, _ := textOut(func(buf []byte, needed *int64, err *uintptr) int32 {
			return raw.Mtdb_result_column_name(c.result, i, buf, needed, err)
		})
		made.add(name, c.declaredOf(i), Type(kind), nullable)
	}
	return made
}

func (c *cursor) declaredOf(column int32) string {
	declared, _ := textOut(func(buf []byte, needed *int64, err *uintptr) int32 {
		return raw.Mtdb_result_column_declared(c.result, column, buf, needed, err)
	})
	return declared
}
