# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require "mtdb/version"
require "mtdb/errors"
require "mtdb/values"
require "mtdb_native"
require "mtdb/call"
require "mtdb/options"
require "mtdb/scope"
require "mtdb/queries"
require "mtdb/result"
require "mtdb/transactions"
require "mtdb/lease"
require "mtdb/statement"
require "mtdb/batch"
require "mtdb/database"
require "mtdb/tenants"
require "mtdb/migrator"
require "mtdb/fleet"
require "mtdb/driver"
require "mtdb/quiesce"
require "mtdb/events"

module Mtdb
  class << self
    # Opens a db. With a block yields it, closes it at the block's end, and is what the block was.
    #
    #   Mtdb.open("sqlite:tenants") { |db| db.tenant("acme") { |t| t.rows("SELECT 1") } }
    #
    # @param url  "sqlite:DIR" or a plain folder, "postgres://...", "mysql://...", "sqlite::memory:", "echo:"
    # @param resolver  called with a tenant's id, says where it is: a path, a namespace or a URL; nil: no such tenant
    # @param options  of scope db (docs/options.md), with `_` for each dot: pool_size_max: 4
    def open(url, resolver: nil, **options)
      db = Database.new(url, resolver: resolver, **options)
      return db unless block_given?

      begin
        yield db
      ensure
        db.close
      end
    end

    # The version of the loaded library.
    def library_version = Call.text { |capacity| Call::Raw.mtdb_build_info("version", capacity) }
  end
end
