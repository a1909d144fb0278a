# SPDX-License-Identifier: MIT
# frozen_string_literal: true

module Mtdb
  # One event: its number, moment, class ("log", "metric", "audit", "progress"), level, name, tenant (or nil), message,
  # and fields (a Hash). The names: docs/events.md.
  Event = Struct.new(:seq, :at, :kind, :level, :name, :tenant, :message, :fields)

  # What happened in a db, oldest first; what was yielded is out of the queue. Made by Database#events.
  class Events
    include Enumerable

    # How many events were lost, since the db was opened, because the queue was full; as far as this object has seen.
    attr_reader :dropped

    # For Database#events.
    def initialize(db, wait, cancel)
      @db = db
      @wait = wait
      @cancel = cancel
      @dropped = 0
      @capacity = 64 << 10
    end

    # Yields each Event. Ends when none comes within the wait, and when the db is closed and its queue empty.
    def each(&block)
      return enum_for(:each) unless block

      while (events = poll)
        events.each(&block)
      end
      self
    end

    private

    def poll
      while true
        status, bytes, rows, used, dropped = take
        return nil if status == Call::Raw::MTDB_DONE

        @dropped += dropped
        return Native.rows(bytes, used).map { |row| event(row) } if rows.positive?

        @capacity = used
      end
    rescue ClosedError
      nil
    end

    def take
      Native.with_token(@cancel) do |token|
        Call.raw(:mtdb_events_poll, @db.send(:handle), Call.milliseconds(@wait), token,
                 @capacity) { |bytes, rows, used, dropped, status| [status, bytes, rows, used, dropped] }
      end
    end

    def event(row)
      fields = row.last ? JSON.parse(row.last, symbolize_names: true) : {}
      Event.new(*row[0..-2], fields).freeze
    end
  end
end
