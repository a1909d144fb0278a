// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"
)

// side runs one round and returns nanoseconds for one unit of work.
type side func() float64

// inTurns are the medians of the sides' rounds, which are taken in turns after one round of each to warm up.
func inTurns(rounds int, sides ...side) []float64 {
	figures := make([][]float64, len(sides))
	for round := range rounds + 1 {
		for i, run := range sides {
			if figure := run(); round > 0 {
				figures[i] = append(figures[i], figure)
			}
		}
	}
	medians := make([]float64, len(sides))
	for i, list := range figures {
		slices.Sort(list)
		medians[i] = list[len(list)/2]
	}
	return medians
}

// byCPU: time is the processor time of this process, not the clock's: on a crowded machine the fairer one where no
// server is asked.
var byCPU bool

// timed is the time that so many units took, for one.
func timed(units int, work func()) float64 {
	start := now()
	work()
	return float64(now()-start) / float64(units)
}

func now() int64 {
	if !byCPU {
		return time.Since(began).Nanoseconds()
	}
	var used syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return used.Utime.Nano() + used.Stime.Nano()
}

var began = time.Now()

// report prints one JSON line. The ratio is what the reach speaks of: "<=0.7" or ">=1.8", or empty.
func report(name, against, unit string, ours, peer, ratio float64, reach string) {
	met := true
	var bound float64
	switch {
	case len(reach) > 2 && reach[0] == '<':
		_, _ = fmt.Sscanf(reach, "<=%g", &bound)
		met = ratio <= bound
	case len(reach) > 2:
		_, _ = fmt.Sscanf(reach, ">=%g", &bound)
		met = ratio >= bound
	}
	fmt.Printf("{\"name\":%q,\"case\":%q,\"unit\":%q,\"ours\":%.1f,\"peer\":%.1f,\"ratio\":%.2f,\"reach\":%q,\"ok\":%t}\n",
		name, against, unit, ours, peer, ratio, reach, met)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func must1[T any](value T, err error) T {
	must(err)
	return value
}
