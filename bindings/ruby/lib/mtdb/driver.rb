# SPDX-License-Identifier: MIT
# frozen_string_literal: true

module Mtdb
  # The contract of golang-migrate's database drivers, for programs that bring their own migration engine:
  # docs/driver.md. It serves one thread at a time. Calls that wait take `timeout:` and `cancel:`.
  #
  #   Mtdb::Driver.open("sqlite3://app.db") do |driver|
  #     driver.locked { driver.run("CREATE TABLE t(a)") && driver.set_version(1) }
  #   end
  class Driver
    class << self
      # Opens a driver by url, whose scheme picks it; makes the version table if there is none. With a block yields it
      # and closes it at the block's end.
      # @param options  scheme's and table's (docs/options.md, scopes driver and db)
      def open(url, timeout: nil, cancel: nil, **options, &block)
        new(:mtdb_driver_open, url.to_s, nil, options, timeout, cancel).send(:lend, &block)
      end

      # The same for a lease, which stays the caller's.
      def of(lease, timeout: nil, cancel: nil, **options, &block)
        new(:mtdb_driver_from_conn, lease.send(:handle), lease, options, timeout, cancel).send(:lend, &block)
      end

      private :new
    end

    # For Driver.open and Driver.of.
    def initialize(name, target, lease, options, timeout, cancel)
      @lease = lease
      @handle = Native::Handle.new(:driver)
      wishes = Options.handle(:driver, options)
      Native.with_token(cancel) do |token|
        Call.raw(name, target, wishes, Call.milliseconds(timeout), token) { |address| @handle.fill(address) }
      end
    end

    # Keeps all other migrators of this version table out.
    def lock(**wait) = call(:mtdb_driver_lock, **wait)

    # Gives the lock back.
    def unlock = Call.raw(:mtdb_driver_unlock, @handle) || self

    # Runs a block with the lock, and is what the block was.
    def locked(**wait)
      lock(**wait)
      begin
        yield self
      ensure
        unlock
      end
    end

    # Runs a migration's text.
    def run(text, **wait) = call(:mtdb_driver_run, text, **wait)

    # Writes the version in place of the one before; nil: none.
    # @param dirty  a migration to it has begun and not ended
    def set_version(version, dirty: false, **wait)
      call(:mtdb_driver_set_version, version || -1, dirty ? 1 : 0, **wait)
    end

    # [version or nil, whether it is dirty].
    def version(timeout: nil, cancel: nil)
      Native.with_token(cancel) do |token|
        Call.raw(:mtdb_driver_version, @handle, Call.milliseconds(timeout), token) do |version, dirty|
          [version.negative? ? nil : version, dirty == 1]
        end
      end
    end

    # Drops everything in the database or schema, the version table with it.
    def drop(**wait) = call(:mtdb_driver_drop, **wait)

    # Gives back the lock if it is held, and what the driver opened itself. Again does nothing.
    def close
      return unless @handle.open?

      Call.raw(:mtdb_driver_close, @handle) { @handle.release }
      nil
    end

    # Whether it was closed.
    def closed? = !@handle.open?

    # Without the url, which may have a password.
    def inspect = "#<Mtdb::Driver#{" closed" if closed?}>"

    private

    def lend
      return self unless block_given?

      begin
        yield self
      ensure
        close
      end
    end

    def call(name, *arguments, timeout: nil, cancel: nil)
      Native.with_token(cancel) { |token| Call.raw(name, @handle, *arguments, Call.milliseconds(timeout), token) }
      self
    end
  end
end
