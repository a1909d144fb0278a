# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require "mtdb_raw"

module Mtdb
  # Calls of the raw layer, with their errors raised. Only this gem calls it.
  module Call
    # The generated layer.
    Raw = ::Mtdb_raw

    # How many milliseconds no deadline and the option's own deadline are.
    FOREVER = -2
    DEFAULT = -1

    class << self
      # Runs a raw call and gives its outputs (one: itself; none: nil), or what the block makes of them. A Timeout waits
      # until the outputs are where they belong, and ends the call by its token.
      def raw(name, *arguments)
        Thread.handle_interrupt(Object => :never) do
          status, *outputs, error = Raw.public_send(name, *arguments)
          Native.check(status, error)
          next Native::NEEDS if status == Raw::MTDB_NEEDS

          outputs = block_given? ? yield(*outputs, status) : outputs
          outputs.is_a?(Array) && outputs.size < 2 ? outputs.first : outputs
        end
      end

      # A raw call whose Result keeps the call's token. An exception that comes with it ends the result.
      def result(name, *arguments, token, owner, cancel)
        rows = nil
        given = raw(name, *arguments, token) { |address| rows = Native.adopt(address, owner, token, cancel) }
      ensure
        rows.close if rows && !given
      end

      # The text of a call that fills a buffer: the block gets a capacity.
      def text(capacity = 1024)
        Thread.handle_interrupt(Object => :never) do
          while true
            status, bytes, needed, error = yield(capacity)
            Native.check(status, error || 0)
            return bytes.byteslice(0, needed).force_encoding(Encoding::UTF_8) unless status == Raw::MTDB_TRUNCATED

            capacity = needed
          end
        end
      end

      # Seconds as the library counts: nil is the option's own deadline, Float::INFINITY none.
      def milliseconds(seconds)
        return DEFAULT if seconds.nil?
        return FOREVER if seconds == Float::INFINITY
        raise InvalidArgumentError, "a timeout is a number of seconds, from 0" unless seconds >= 0

        (seconds * 1000).ceil
      end
    end
  end
end
