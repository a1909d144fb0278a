// SPDX-License-Identifier: MIT
// The echo backend: a database without I/O that gives back what it is told, so that every layer and
// every language can test types, sizes, NULLs, errors, waits and cancels without a server. Its
// tenants live in memory as long as the db.
//
//   echo V, V ...          one row of these values, in their exact types
//   params N               echo ?, ? ... with N parameters
//   rows N [TYPE, ...]     N rows of one column per type (default int64); see below
//   slow N MS              N rows of one int64, each after MS milliseconds
//   text N                 one row with a text of N bytes
//   tenant                 one row with the path of this tenant's place
//   sleep MS               no rows; ends early by deadline or cancel
//   write N                no rows; N rows are affected, the insert id grows by N
//   fail STATUS ['text'] [after N]
//                          fails with a status by name (BUSY) or number (-9), after N rows of int64
//   begin [read only], commit, rollback, savepoint NAME, rollback to NAME, release NAME
//
// A value V is a literal (12, -1.5, 'it''s', x'00ff', true, false, null) or a parameter: `?`, `?1`,
// `:name`. N and MS are integers or parameters. Keywords, types and status names in any case.
// Statements are separated by ';', comments are SQL's. `fail` with SERIALIZATION or TX_LOST also
// ends an open transaction, as such failures do on real databases.
//
// What `rows` makes in row i (from 0) of column c (from 0): NULL when (i + c) % 7 is 6, else
//   numbers and times      0 in row 0, the smallest value in row 1, the largest in row 2, then i
//                          (reals: i + 0.5; decimals: "i.05"; times: seconds; boolean: i % 2)
//   text                   empty in row 1, emoji in row 2, a NUL byte inside in row 3, else "row i"
//   bytes                  none in row 1, else 00 ff and the low byte of i
//   uuid, json             i in its last bytes; {"row":i}
//   interval               i months, -i days, i seconds
//   variant                int64, double, text, bytes in turn
//   other                  "(i,i)"
#pragma once

#include <memory>

#include "db/backend.hpp"
#include "db/url.hpp"

namespace mtdb::backends::echo {

// Throws Error(invalid_argument) for a url with a target.
std::unique_ptr<db::Backend> make(const db::Url& url, const db::Settings& settings);

}  // namespace mtdb::backends::echo
