# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require_relative "helper"

# Values over the echo backend, which gives back what it is given, type and all.
class ValuesTest < MtdbTest
  def echo(*values) = open_lease("echo:") { |lease| lease.first("params #{values.size}", *values) }

  def assert_kept(*values) = assert_equal(values, echo(*values))

  def test_numbers
    assert_kept 0, -1, (2**63) - 1, -(2**63), 2**63, (2**64) - 1, 1.5, Float::MAX, Float::INFINITY, true, false, nil
    assert_equal "-0.0", echo(-0.0).first.to_s
    assert_raises(Mtdb::InvalidArgumentError) { echo(2**64) }
    assert_raises(Mtdb::InvalidArgumentError) { echo(-(2**63) - 1) }
  end

  def test_decimals
    assert_kept(*%w[1.1 -99999999999999999999999999999999999999.5 0 1e30].map { |text| BigDecimal(text) })
    assert_equal BigDecimal("1.10"), echo(Mtdb.decimal("1.10")).first
  end

  def test_moments
    at = Time.utc(2024, 2, 29, 23, 59, 59 + 999_999r / 1_000_000)
    got = echo(at, Time.at(0), Time.utc(1, 1, 1), Time.utc(9999, 12, 31))
    assert_equal [at, Time.at(0), Time.utc(1, 1, 1), Time.utc(9999, 12, 31)], got
    assert(got.all?(&:utc?))
    berlin = Time.new(2024, 7, 1, 12, 0, 0, "+02:00")
    assert_equal Time.utc(2024, 7, 1, 10), echo(berlin).first
    assert_equal Time.utc(2024, 7, 1, 12), echo(Mtdb.timestamp(berlin)).first
    assert_equal Time.utc(2024, 7, 1, 10), echo(berlin.to_datetime).first
  end

  def test_dates_are_the_ones_that_are_shown
    assert_kept Date.new(2024, 2, 29), Date.new(1582, 10, 15)
    old = echo(Date.new(1500, 1, 1)).first
    assert_equal [1500, 1, 1], [old.year, old.month, old.day]
    assert_equal "0001-01-01", echo(Date.new(1, 1, 1)).first.to_s
    assert_equal [Float::INFINITY, -Float::INFINITY],
                 echo(Mtdb::Typed.new(:date, (2**31) - 1), Mtdb::Typed.new(:timestamp, -(2**63)))
  end

  def test_times_and_intervals
    long = Mtdb::TimeOfDay.of(838, 59, 59)
    assert_kept long, Mtdb::TimeOfDay.new(-1), Mtdb::TimeOfDay.of(0)
    assert_equal ["838:59:59.000000", 838, 59], [long.to_s, long.hour, long.minute]
    assert_equal "-00:00:00.000001", Mtdb::TimeOfDay.new(-1).to_s
    assert_equal Mtdb::TimeOfDay.of(1, 2, 3.5), Mtdb::TimeOfDay.new(3_723_500_000)
    texts = [[14, 3, 14_706_500_000], [0, 0, 0], [-1, 0, -1], [0, 1, 0]].map { |parts| Mtdb::Interval.new(*parts).to_s }
    assert_equal %w[P1Y2M3DT4H5M6.5S PT0S P-1MT-0.000001S P1D], texts
    made = open_lease("echo:") { |lease| lease.rows("rows 2 interval") }
    assert_kind_of Mtdb::Interval, made.last.first
  end

  def test_values_whose_type_is_said
    uuid = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
    assert_equal [uuid, uuid], echo(Mtdb.uuid(uuid), Mtdb.uuid([uuid.delete("-")].pack("H*")))
    assert_equal ['{"a":[1,null]}', "null"], echo(Mtdb.json({ a: [1, nil] }), Mtdb.json("null"))
    assert_equal ["x".b, "x"], echo(Mtdb.bytes("x"), Mtdb.text("x".b))
    assert_equal ["{1,2}"], echo(Mtdb.other("{1,2}"))
    assert_equal ["sym"], echo(:sym)
  end

  def test_what_is_no_value_is_refused
    error = assert_raises(Mtdb::InvalidArgumentError) { echo(Object.new) }
    assert_equal "a Object is no SQL value", error.message
    assert_equal 1, open_lease("echo:") { |lease| (echo_error(lease); lease.value("echo 1")) }
  end

  def echo_error(lease)
    assert_raises(Mtdb::InvalidArgumentError) { lease.exec_many("write ?", [[1], [Object.new]]) }
  end

  def test_every_value_is_frozen
    values = open_lease("echo:") do |lease|
      types = %w[int64 uint64 boolean float double decimal text bytes date time timestamp timestamptz uuid json interval
                 other variant]
      lease.rows("rows 5 #{types.join(", ")}")
    end
    assert_empty values.flatten.reject(&:frozen?)
    assert_equal 5, values.size
  end

  def test_raw_values_are_as_the_block_carries_them
    open_lease("echo:") do |lease|
      values = [Date.new(1970, 1, 2), Mtdb.decimal("1.10"), Time.at(1), Mtdb.uuid("00" * 16)]
      assert_equal [1, "1.10", 1_000_000, "\0".b * 16], lease.query("params 4", *values).each_raw.first
    end
  end
end
