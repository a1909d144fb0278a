// SPDX-License-Identifier: MIT
// Runs pieces of a script on a connection.
#pragma once

#include <string_view>

#include "db/backend.hpp"
#include "migrate/script.hpp"

namespace mtdb::migrate {

// Where a text runs: a script's own transaction is open, or none is and none may be left, or who runs it sees to that.
enum class Surroundings { transaction, none, any };

// The position of an error inside a statement, as a position in its script.
base::Position place_of(const Error& error, const Piece& piece);
// With the data of its COPY.
std::string_view whole_text(const Body& body, const Piece& piece);
// The statement, and all of it: the engine may see more statements in a piece than the splitter did.
void run_piece(db::Connection& connection, const Body& body, const Piece& piece, Surroundings surroundings,
               const Wait& wait);
// All pieces; an error has statement and position.
void run_body(db::Connection& connection, const Body& body, Surroundings surroundings, const Wait& wait);

}  // namespace mtdb::migrate
