# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require "bigdecimal"
require "date"
require "json"

module Mtdb
  # A TIME: a signed number of microseconds. MySQL's reaches from -838:59:59 to 838:59:59, so it is no time of a day.
  TimeOfDay = Struct.new(:microseconds) do
    include Comparable

    # From hours, minutes and seconds.
    def self.of(hours, minutes = 0, seconds = 0)
      new((((hours * 60) + minutes) * 60_000_000) + (seconds * 1_000_000).to_i).freeze
    end

    def <=>(other) = other.is_a?(TimeOfDay) ? microseconds <=> other.microseconds : nil

    # Whole hours; negative for a negative time.
    def hour = (microseconds / 3_600_000_000r).truncate

    # Minutes of the hour, from 0.
    def minute = microseconds.abs / 60_000_000 % 60

    # Seconds of the minute, from 0, with their fraction.
    def second = (microseconds.abs % 60_000_000) / 1_000_000r

    # [-]HH:MM:SS.ffffff
    def to_s
      seconds, fraction = microseconds.abs.divmod(1_000_000)
      format("%s%02d:%02d:%02d.%06d", microseconds.negative? ? "-" : "", seconds / 3600, seconds / 60 % 60,
             seconds % 60, fraction)
    end
  end

  # An INTERVAL: months, days and microseconds, which no calendar makes one number of.
  Interval = Struct.new(:months, :days, :microseconds) do
    # An ISO 8601 duration such as "P1Y2M3DT4H5M6.5S".
    def to_s
      time = clock
      date = [[months / 12 * (months.negative? ? 0 : 1), "Y"], [months.negative? ? months : months % 12, "M"],
              [days, "D"]].filter_map { |number, unit| "#{number}#{unit}" unless number.zero? }.join
      return "PT0S" if date.empty? && time.empty?

      "P#{date}#{"T#{time}" unless time.empty?}"
    end

    private

    def clock
      sign = microseconds.negative? ? "-" : ""
      minutes, rest = microseconds.abs.divmod(60_000_000)
      seconds, fraction = rest.divmod(1_000_000)
      text = fraction.zero? ? seconds.to_s : format("%d.%06d", seconds, fraction).sub(/0+\z/, "")
      parts = [["#{minutes / 60}H", minutes / 60], ["#{minutes % 60}M", minutes % 60], ["#{text}S", rest]]
      parts.filter_map { |part, number| "#{sign}#{part}" unless number.zero? }.join
    end
  end

  # A value with its type said: what Mtdb.timestamp, Mtdb.json, Mtdb.uuid and the like make.
  Typed = Struct.new(:type, :value)

  # Numbers of the value types, as mtdb.h has them.
  TYPES = %i[null bool int64 uint64 float double decimal text bytes date time timestamp timestamptz uuid json interval
             variant other].each_with_index.to_h.freeze

  class << self
    # A moment without a zone: the date and time that the Time shows. A Time itself is a moment in UTC.
    def timestamp(time)
      Typed.new(:timestamp, Values.microseconds(Time.utc(time.year, time.month, time.day, time.hour, time.min,
                                                         time.sec + time.subsec)))
    end

    # A UUID, from 36 characters or 16 bytes.
    def uuid(text) = Typed.new(:uuid, text.bytesize == 16 ? text.b : [text.delete("-")].pack("H*"))

    # JSON: of a text as it is, of anything else what JSON.generate makes of it.
    def json(value) = Typed.new(:json, value.is_a?(String) ? value : JSON.generate(value))

    # BYTES, whatever the encoding of the String.
    def bytes(string) = Typed.new(:bytes, string.b)

    # TEXT of a String whose encoding is binary.
    def text(string) = Typed.new(:text, string)

    # DECIMAL of a text, digit for digit.
    def decimal(text) = Typed.new(:decimal, text.to_s)

    # A text that a server reads as a type of its own, such as an array or an address.
    def other(text) = Typed.new(:other, text)
  end

  # How values of the library's types become Ruby's, and the reverse. Only this gem calls it.
  module Values
    EPOCH_JD = 2_440_588
    GREGORIAN_JD = 2_299_161
    DAY_MIN = -(2**31)
    DAY_MAX = (2**31) - 1

    class << self
      # What a block carries for a value that is no String, number, true, false or nil: [type, carried].
      def carry(value)
        case value
        when Typed then [TYPES.fetch(value.type), value.value]
        when BigDecimal then [TYPES[:decimal], digits(value)]
        when DateTime then carry(value.to_time)
        when Date then [TYPES[:date], days(value)]
        when Time then [TYPES[:timestamptz], microseconds(value)]
        when TimeOfDay then [TYPES[:time], value.microseconds]
        when Interval then [TYPES[:other], value.to_s] # as every backend writes an interval
        else raise InvalidArgumentError, "a #{value.class} is no SQL value"
        end
      end

      def microseconds(time) = (time.to_r * 1_000_000).floor

      def decimal(text) = BigDecimal(text).freeze

      # The integer limits are what a server calls infinity.
      def date(days)
        return -Float::INFINITY if days == DAY_MIN
        return Float::INFINITY if days == DAY_MAX

        Date.jd(EPOCH_JD + days, Date::GREGORIAN).freeze
      end

      def time_of_day(microseconds) = TimeOfDay.new(microseconds).freeze

      def interval(parts) = Interval.new(*parts).freeze

      def uuid(bytes) = bytes.unpack("H8H4H4H4H12").join("-").freeze

      private

      # SQL counts in the Gregorian calendar at all times: what counts is the date that a Date shows.
      def days(date)
        date = Date.new(date.year, date.month, date.day, Date::GREGORIAN) if date.jd < GREGORIAN_JD
        date.jd - EPOCH_JD
      end

      def digits(decimal)
        return decimal.to_s("F").delete_suffix(".0") if decimal.finite?
        return "NaN" if decimal.nan?

        decimal.positive? ? "Infinity" : "-Infinity"
      end
    end
  end
end
