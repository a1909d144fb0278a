// SPDX-License-Identifier: MIT

//go:build mtdb_strict

package mtdb

// With the build tag mtdb_strict, for tests, misuse by two goroutines panics where it happens.
const strict = true
