# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# Multi-tenant access to SQLite, PostgreSQL and MariaDB or MySQL: docs/ruby.md is the guide.
module Mtdb
  class << self
    # Runs a block in a tenant: calls of a db that name no tenant mean this one. It is the present fiber's alone; a
    # thread or fiber that is made inside has none, so that work which outlives the block never runs in its tenant.
    def with_tenant(id)
      before = Thread.current[:mtdb_tenant]
      Thread.current[:mtdb_tenant] = id && -id.to_s # a copy: what the program does to its String changes no tenant
      yield id
    ensure
      Thread.current[:mtdb_tenant] = before
    end

    # The tenant of the present fiber, or nil.
    def current_tenant = Thread.current[:mtdb_tenant]

    # The same, but without one it is an InvalidArgumentError.
    def current_tenant!
      current_tenant || raise(Errors.build(-1, message: "no tenant: name one, or use Mtdb.with_tenant"))
    end
  end
end
