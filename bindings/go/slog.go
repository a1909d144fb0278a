// SPDX-License-Identifier: MIT

package mtdb

import (
	"context"
	"encoding/json"
	"log/slog"
)

// LevelAudit is the level of audit events in a log: above all others, so that no threshold drops them.
const LevelAudit = slog.Level(12)

var slogLevels = map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn,
	"error": slog.LevelError, "audit": LevelAudit}

// LogEvents writes the db's events to a logger until the context ends or the db is closed and its queue is empty. Run
// it in a goroutine of its own.
func (db *DB) LogEvents(ctx context.Context, logger *slog.Logger) error {
	for event, err := range db.Events(ctx) {
		if err != nil {
			return err
		}
		event.log(logger)
	}
	return nil
}

func (e Event) log(logger *slog.Logger) {
	level, known := slogLevels[e.Level]
	if !known {
		level = slog.LevelInfo
	}
	ctx := context.Background()
	if !logger.Enabled(ctx, level) {
		return
	}
	record := slog.NewRecord(e.At, level, e.Message, 0)
	record.AddAttrs(slog.String("event", e.Name), slog.Int64("seq", e.Seq))
	if e.Tenant != "" {
		record.AddAttrs(slog.String("tenant", e.Tenant))
	}
	if e.Lost > 0 {
		record.AddAttrs(slog.Int64("lost", e.Lost))
	}
	var fields map[string]any
	if json.Unmarshal(e.Fields, &fields) == nil && len(fields) > 0 {
		record.AddAttrs(slog.Any("fields", fields))
	}
	_ = logger.Handler().Handle(ctx, record) // A log that cannot be written is nobody's failure here.
}
