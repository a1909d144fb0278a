// SPDX-License-Identifier: MIT

// Command go measures the Go binding against the usual drivers, both sides in one process over the same data.
//
// Usage: go run . [cpu] [go_scan | go_point | go_tenants | crossings]...     (no name: all)
//
// With cpu, time is the processor time of this process instead of the clock's, and no server is asked.
// Servers are those of MTDB_TEST_POSTGRES_TCP and MTDB_TEST_MYSQL_TCP; without them their cases are not run, and stderr
// says so.
package main

import (
	"fmt"
	"os"
	"slices"
)

func main() {
	cases := []struct {
		name string
		run  func()
	}{{"go_scan", scan}, {"go_point", point}, {"go_tenants", manyTenants}, {"crossings", crossings}}
	names := os.Args[1:]
	if len(names) > 0 && names[0] == "cpu" {
		byCPU, names = true, names[1:]
	}
	for _, name := range names {
		if !slices.ContainsFunc(cases, func(c struct {
			name string
			run  func()
		}) bool {
			return c.name == name
		}) {
			fmt.Fprintln(os.Stderr, "bench: no case", name)
			os.Exit(2)
		}
	}
	for _, c := range cases {
		if len(names) == 0 || slices.Contains(names, c.name) {
			c.run()
		}
	}
}
