# SPDX-License-Identifier: MIT
# frozen_string_literal: true

module Mtdb
  # A deployment's pause flags: docs/quiesce.md. Made by Database#quiesce. A scope is "global", "server:NAME",
  # "group:NAME" or "tenant:NAME". Every call takes `timeout:` and `cancel:`.
  class Quiesce
    # States by the header's numbers.
    STATES = %i[none active expired cleared].freeze

    # A flag that was set: the owner's token, and how long it holds, in seconds.
    Flag = Struct.new(:token, :granted)

    # What `watch` saw.
    Change = Struct.new(:stamp, :state)

    # For Database#quiesce.
    def initialize(db, options)
      @db = db
      @handle = Native::Handle.new(:quiesce)
      wishes = Options.handle(:quiesce, options)
      Call.raw(:mtdb_quiesce_new, db.send(:handle), wishes) { |address| @handle.fill(address) }
    end

    # Makes the tables that are missing.
    def create(**wait) = call(:mtdb_quiesce_create, **wait) && self

    # Makes the db obey the flags until it is closed.
    def enable(**wait) = call(:mtdb_quiesce_enable, **wait) && self

    # Sets the flag of a scope; returns a Flag. With a block clears it at the block's end, and is what the block was.
    #
    # @param ttl  seconds after which it expires; nil for 30 minutes
    # @param force  takes over an active flag
    def set(scope = "global", by: "", reason: "", ttl: nil, force: false, timeout: nil, cancel: nil)
      flag = with(cancel) do |token|
        Call.raw(:mtdb_quiesce_set, @handle, scope, by, reason, seconds(ttl), force ? 1 : 0,
                 Call.milliseconds(timeout), token, 64) do |bytes, size, granted|
          Flag.new(bytes.byteslice(0, size).force_encoding(Encoding::UTF_8), granted / 1000.0)
        end
      end
      return flag unless block_given?

      begin
        yield flag
      ensure
        clear(scope, token: flag.token)
      end
    end

    # Moves the end of an active flag to `ttl` seconds from now; returns the seconds granted.
    # @param token  the owner's; "" for the one that this handle got
    def renew(scope = "global", token: "", ttl: nil, **wait)
      call(:mtdb_quiesce_renew, scope, token, seconds(ttl), **wait) / 1000.0
    end

    # Clears a flag.
    # @param force  clears another's too
    def clear(scope = "global", by: "", token: "", force: false, **wait)
      call(:mtdb_quiesce_clear, scope, by, token, force ? 1 : 0, **wait)
      self
    end

    # The flags as rows; "" for all uncleared ones, and global.
    def query(scope = "", **wait) = rows(:mtdb_quiesce_query, scope, **wait)

    # The state of one flag: :none, :active, :expired or :cleared.
    def state(scope = "global", **wait) = watch(scope, **wait).state

    # Waits until a flag has changed since a Change; nil when it has not within the time.
    def watch(scope = "global", since: nil, timeout: nil, cancel: nil)
      with(cancel) do |token|
        Call.raw(:mtdb_quiesce_watch, @handle, scope, since ? since.stamp : 0, Call.milliseconds(timeout),
                 token) do |stamp, state, status|
          Change.new(stamp, STATES[state]) unless status == Call::Raw::MTDB_DONE
        end
      end
    end

    # Waits until every process that obeys an active flag has parked; a row for each.
    def wait_parked(scope = "global", **wait) = rows(:mtdb_quiesce_wait_parked, scope, **wait)

    # Ends the use of this handle; a db that was enabled goes on obeying.
    def close
      Call.raw(:mtdb_quiesce_close, @handle) if @handle.open?
      nil
    end

    # Without a token.
    def inspect = "#<Mtdb::Quiesce of #{@db.url}>"

    private

    def with(cancel, &block) = Native.with_token(cancel, &block)

    def seconds(ttl) = ttl ? (ttl * 1000).ceil : 0

    def call(name, *arguments, timeout: nil, cancel: nil, &block)
      with(cancel) { |token| Call.raw(name, @handle, *arguments, Call.milliseconds(timeout), token, &block) || true }
    end

    def rows(*arguments, **wait)
      call(*arguments, **wait) { |address| Native.adopt(address, self, nil) }.each_hash.to_a
    end
  end
end
