// SPDX-License-Identifier: MIT

package mtdb

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"runtime"
	"time"

	"github.com/mtdb/mtdb/bindings/go/internal/raw"
)

// Event is something that happened: see docs/events.md for the names.
type Event struct {
	Seq     int64 // from 1; a gap is an event that was lost
	At      time.Time
	Class   string // "log" or "audit"
	Level   string // "debug", "info", "warn", "error", "audit"
	Name    string // such as "lease.abandoned"
	Tenant  string // or empty
	Message string
	Fields  json.RawMessage // an object
	Lost    int64           // events that were dropped before this one because the queue was full
}

// Events are the events of the db as they happen, until the context ends or the db is closed and its queue is empty.
// Each event is given once, to one of those who read. A failure is the loop's last pair.
func (db *DB) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			events, err := db.poll(ctx, int64(raw.MTDB_FOREVER))
			if ctx.Err() != nil || errors.Is(err, CodeClosed) {
				err = nil
				if len(events) == 0 {
					return
				}
			}
			if err != nil {
				yield(Event{}, err)
				return
			}
			for _, event := range events {
				if !yield(event, nil) {
					return
				}
			}
		}
	}
}

// PollEvents takes the events that are there, without waiting.
func (db *DB) PollEvents() ([]Event, error) {
	var all []Event
	for {
		events, err := db.poll(context.Background(), 0)
		if errors.Is(err, CodeClosed) && len(all) > 0 {
			err = nil
		}
		if err != nil || len(events) == 0 {
			return all, err
		}
		all = append(all, events...)
	}
}

func (db *DB) poll(ctx context.Context, timeoutMS int64) ([]Event, error) {
	buf := firstBuffers.Get().(*[]byte)
	defer firstBuffers.Put(buf)
	space := *buf
	var rows, used, dropped, lost int64
	var err uintptr
	watched := watch(ctx)
	defer watched.disarm()
	defer runtime.KeepAlive(db)
	for {
		status := raw.Mtdb_events_poll(db.handle, timeoutMS, watched.handle(), space, &rows, &used, &dropped, &err)
		lost += dropped
		if status == raw.MTDB_TRUNCATED {
			space = make([]byte, used)
			continue
		}
		if failed := failureIn(ctx, status, err); failed != nil || status == raw.MTDB_DONE {
			return nil, failed
		}
		break
	}
	var b block
	b.parse(space[:used])
	events := make([]Event, b.rows)
	text := func(column, row int) string {
		if c := &b.columns[column]; !c.null(row) {
			return string(c.bytes(row))
		}
		return ""
	}
	for i := range events {
		events[i] = Event{b.columns[0].integer(i), time.UnixMicro(b.columns[1].integer(i)).UTC(), text(2, i),
			text(3, i), text(4, i), text(5, i), text(6, i), json.RawMessage(text(7, i)), 0}
	}
	if len(events) > 0 {
		events[0].Lost = lost
	}
	return events, nil
}
