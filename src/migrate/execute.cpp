// SPDX-License-Identifier: MIT
#include "migrate/execute.hpp"

#include <algorithm>

namespace mtdb::migrate {

namespace {

void run_copy(db::Connection& connection, std::string_view sql, std::string_view data, const Wait& wait) {
    const auto statement = connection.prepare(sql, nullptr, wait);
    if (statement == nullptr || statement->parameter_count() != 1)
        throw Error(Code::unsupported, "COPY FROM STDIN with data in the script is not supported on this connection");
    statement->bind(1, db::Value::text(data), db::Lifetime::borrowed);
    statement->run(wait);
}

void run_text(db::Connection& connection, std::string_view sql, Surroundings surroundings, const Wait& wait) {
    while (!sql.empty()) {
        std::string_view tail;
        const auto statement = connection.prepare(sql, &tail, wait);
        if (statement == nullptr) return;
        if (statement->control() != db::Control::none)
            throw Error(Code::migration_failed, "the script would end its own transaction");
        statement->run(wait);
        if (surroundings == Surroundings::transaction && !connection.in_transaction())
            throw Error(Code::tx_lost, "the statement ended the script's transaction");
        if (surroundings == Surroundings::none && connection.in_transaction())
            throw Error(Code::tx_lost, "the statement left a transaction open");
        sql = tail;
    }
}

}  // namespace

base::Position place_of(const Error& error, const Piece& piece) {
    if (error.line() < 1) return piece.position;
    const int64_t column = std::max<int64_t>(error.column(), 1);
    if (error.line() == 1) return {piece.position.line, piece.position.column + column - 1};
    return {piece.position.line + error.line() - 1, column};
}

std::string_view whole_text(const Body& body, const Piece& piece) {
    const std::size_t end = piece.copy ? piece.data_offset + piece.data_size : piece.offset + piece.size;
    return std::string_view(body.text).substr(piece.offset, end - piece.offset);
}

void run_piece(db::Connection& connection, const Body& body, const Piece& piece, Surroundings surroundings,
               const Wait& wait) {
    const std::string_view text = body.text;
    const std::string_view sql = text.substr(piece.offset, piece.size);
    if (piece.copy)
        run_copy(connection, sql, text.substr(piece.data_offset, piece.data_size), wait);
    else
        run_text(connection, sql, surroundings, wait);
}

void run_body(db::Connection& connection, const Body& body, Surroundings surroundings, const Wait& wait) {
    for (const Piece& piece : body.split.pieces) {
        try {
            wait.check("a migration's next statement");
            run_piece(connection, body, piece, surroundings, wait);
        } catch (const Error& error) {
            const auto place = place_of(error, piece);
            throw error.with_statement(piece.number).with_position(place.line, place.column);
        }
    }
}

}  // namespace mtdb::migrate
