# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require "timeout"
require_relative "conformance"
$VERBOSE = nil # Sequel's own files have warnings
require "sequel"
$VERBOSE = true
Sequel.default_timezone = :utc

# One step by Sequel's API.
class SequelStep < Step
  # Sequel has no word for a step: the reason.
  class LeftOut < StandardError; end

  # Another thread's, which ends what runs.
  class Cancelled < StandardError; end

  # What Sequel's SQL has no literal for.
  UNWRITABLE = /\A(?:text-hex:(?:..)*00|double:-?inf|double:-0)/

  # `unwritten` are the values of this test that could not be written.
  def initialize(sequel, tenant, step, unwritten = [])
    super(sequel.mtdb, nil, tenant, step)
    @sequel = sequel
    @unwritten = unwritten
  end

  def run
    call = "call_#{@step["call"]}"
    raise LeftOut, "no part of Sequel: #{@step["call"]}" unless SequelStep.private_method_defined?(call, false)

    send(call)
    outcome(nil)
  rescue Sequel::DatabaseError, Timeout::Error, Cancelled => e
    outcome(e)
  end

  # The differences, once it is known what was raised.
  def outcome(raised)
    case raised
    when nil then equal("status", "OK", @step.fetch("status", "OK"))
    when Sequel::DatabaseError then failed_in_sequel(raised)
    else equal("status", raised.is_a?(Cancelled) ? "CANCELLED" : "TIMEOUT", @step.fetch("status", "OK"))
    end
    @differences
  end

  private

  def failed_in_sequel(error)
    failed(error.wrapped_exception)
    constraint = @step["status"] == "CONSTRAINT"
    equal("a Sequel::ConstraintViolation", error.is_a?(Sequel::ConstraintViolation), constraint)
  end

  # ---- SQL and values ----

  # The placeholders as Sequel names them: p1, p2, ...
  def text
    return @step["sql"] unless @step["params"] || @step["params_rows"] || @step["bind"]

    number = 0
    @step["sql"].gsub(/[$?](\d+)|\?/) { ":p#{$1 || number += 1}" }
  end

  def named(values) = values.each_with_index.to_h { |value, i| [:"p#{i + 1}", value] }

  def dataset(sequel = @sequel) = sequel.fetch(text, **named(written(@step["params"] || [])))

  def written(row)
    row.map do |tagged|
      raise LeftOut, "a value that Sequel's SQL has no literal for" if tagged&.match?(UNWRITABLE)

      SequelValue.of(tagged)
    end
  end

  # All but the rows that cannot be written.
  def writable_rows
    kept, left = @step["params_rows"].partition { |row| row.compact.grep(UNWRITABLE).empty? }
    @unwritten.concat(left.flatten.grep(UNWRITABLE))
    kept
  end

  # ---- results ----

  # Reads a dataset, or compares the rows that were read.
  def read(rows)
    raise LeftOut, "values by their declared type, which are Sequel's own" if @step["declared"]

    got = rows.to_a
    names = rows.is_a?(Array) ? got.flat_map(&:keys).uniq : rows.columns
    equal("columns", names, @step["columns"].map(&:to_sym)) if @step["columns"]
    equal("rows", got.map { |row| SequelValue.seen(row.values_at(*names)) }, wanted) if @step["rows"]
  end

  def wanted
    kept = @step["rows"].select { |row| (row & @unwritten).empty? }
    kept.map { |row| SequelValue.seen(row.map { |tagged| SequelValue.of(tagged) }) }
  end

  def call_query
    limit = @step["timeout_ms"]
    limit ? Timeout.timeout(limit / 1000.0) { read(dataset) } : read(dataset)
  end

  # By a Sequel::Database of that tenant, with a lease of its own.
  def call_db_query
    tenant = @step.fetch("tenant", @tenant)
    read(dataset(Sequel.connect(adapter: "mtdb", mtdb: @db, tenant: tenant, keep_reference: false)))
  end

  def call_statement
    return call_exec if @step["params_rows"]

    values = bound
    rows = @sequel.fetch(text, **values.to_h { |name, _| [name, :"$#{name}"] })
    return read(rows.prepare(:select, :step).call(values)) unless @step["insert_id"]

    equal("insert_id", rows.prepare(:insert, :step).call(values), @step["insert_id"])
  end

  def bound
    @step["bind"].to_h do |name, tagged|
      raise LeftOut, "a placeholder of SQLite's own" unless name.match?(/\A\d+\z/)

      [:"p#{name}", SequelValue.of(tagged)]
    end
  end

  # ---- statements without rows ----

  def call_exec
    return call_many if @step["params_rows"]
    return @sequel.run(text) unless @step["affected"] || @step["params"]

    equal("affected", dataset.update, @step["affected"])
  end

  def call_many
    rows = writable_rows
    changed = @sequel.transaction do
      rows.sum { |row| @sequel.fetch(text, **named(written(row))).update }
    end
    equal("affected", changed, @step["affected"] - @step["params_rows"].size + rows.size) if @step["affected"]
  end

  def call_script = @sequel.run(text)

  def call_state
    state = @step["state"]
    equal("state", @sequel.synchronize(&:transaction_state).to_s, state)
    equal("in_transaction?", @sequel.in_transaction?, state != "none")
  end

  # ---- scans and threads ----

  # Ends are Ruby's own: Timeout, and an exception that another thread raises or the block does.
  def call_scan
    limit = @step["timeout_ms"]
    raise LeftOut, "a call without any time" if limit&.zero?
    raise LeftOut, "a call that is cancelled before it begins" if @step["cancel"] == "before"

    @count = @sum = 0
    @step["cancel"] == "running" ? cancelled { scan } : Timeout.timeout(limit && limit / 1000.0) { scan }
  ensure
    equal("rows_count", @count, @step["rows_count"]) if @step["rows_count"]
    equal("rows_sum", @sum.to_s, @step["rows_sum"]) if @step["rows_sum"]
  end

  def scan
    @sequel.fetch(text).each do |row|
      @sum += row.first.last || 0
      raise Cancelled if (@count += 1) == 1 && @step["cancel"] == "rows"
    end
  end

  def cancelled
    this = Thread.current
    other = Thread.new { sleep(0.05) && this.raise(Cancelled) }
    yield
  ensure
    other.join
  end

  # Each thread goes from tenant to tenant: it writes there, and counts rows of others.
  def call_parallel
    tenants = Array.new(@step["tenants"]) { |i| "#{@tenant}x#{i}" }
    tenants.each do |id|
      @db.tenants.drop(id) if @db.tenants.exist?(id)
      @db.tenants.create(id)
      Mtdb.with_tenant(id) { @sequel.run(@step["create"]) }
    end
    threads = Array.new(@step["threads"]) { |first| Thread.new { strangers(tenants.rotate(first)) } }
    equal("rows of others", threads.sum(&:value), 0)
    rows = tenants.map { |id| Mtdb.with_tenant(id) { one(@step["all"]) } }
    equal("rows", rows.uniq, [threads.size * @step["rounds"] / tenants.size])
  end

  def strangers(tenants)
    (0...@step["rounds"]).sum do |round|
      Mtdb.with_tenant(tenants[round % tenants.size]) do |id|
        @sequel[@step["write"].sub("$1", "?"), id].insert
        one(@step["others"].sub("$1", "?"), id)
      end
    end
  end

  def one(sql, *values) = @sequel[sql, *values].single_value!
end

# Tagged values as Sequel has them.
module SequelValue
  EPOCH = Date.new(1970, 1, 1)

  # Ruby's value of a tag.
  def self.of(tagged)
    return nil if tagged.nil?

    tag, rest = tagged.split(":", 2)
    case tag
    when "uint64" then rest.to_i
    when "float" then [Tagged.float(rest)].pack("g").unpack1("g")
    when "decimal" then BigDecimal(rest)
    when "bytes" then Sequel.blob([rest].pack("H*"))
    when "uuid" then [rest].pack("H*").unpack("H8H4H4H4H12").join("-")
    when "json", "other" then rest
    when "date", "time", "timestamp", "timestamptz", "interval" then time(tag, rest)
    else Tagged.parse(tagged)
    end
  end

  def self.time(tag, rest)
    number = rest.to_i
    case tag
    when "date" then number == Mtdb::Values::DAY_MIN ? -Float::INFINITY : EPOCH + number
    when "time" then of_day(Mtdb::TimeOfDay.new(number))
    when "interval" then Mtdb::Interval.new(*rest.split(",").map(&:to_i)).to_s
    else number == (2**63) - 1 ? Float::INFINITY : Time.at(0, number, :usec)
    end
  end

  def self.of_day(time)
    return time if time.microseconds.negative?

    Sequel::SQLTime.create(time.hour, time.minute, time.second.to_i, time.microseconds % 1_000_000)
  end

  # What tells values apart: the class, and what == would take for equal.
  def self.seen(row)
    row.map do |value|
      case value
      when Float then [Float, [value].pack("G")]
      when BigDecimal then [BigDecimal, value.to_s]
      when Sequel::SQLTime then [Sequel::SQLTime, value.strftime("%T.%6N")]
      when String then [value.class, value.encoding, value]
      else [value.class, value]
      end
    end
  end
end
