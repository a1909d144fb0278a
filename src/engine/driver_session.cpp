// SPDX-License-Identifier: MIT
#include "engine/driver_session.hpp"

#include "engine/db.hpp"

namespace mtdb::engine {

void OwnSession::use(Conn::Writes, const Wait& wait, const Work& work) {
    const bool lost = connection_ == nullptr || !connection_->in_place();
    if (lost && held_)
        throw Error(Code::unavailable, "the connection that had the driver's lock is lost");
    if (lost) {
        connection_.reset();
        connection_ = backend_->open(place_, wait);
    }
    work(*connection_);
    if (connection_->has_notices()) connection_->take_notices();
}

LentSession::LentSession(Ref<Conn> conn) : conn_(std::move(conn)), term_(conn_->term()) {}

const db::Dialect& LentSession::dialect() const { return conn_->db().dialect(); }

}  // namespace mtdb::engine
