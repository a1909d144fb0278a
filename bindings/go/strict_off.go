// SPDX-License-Identifier: MIT

//go:build !mtdb_strict

package mtdb

const strict = false
