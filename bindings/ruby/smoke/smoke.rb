# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# Runs libmtdb through the raw layer and checks what comes back.

require "timeout"
require "tmpdir"
require "mtdb_raw"

Raw = Mtdb_raw
require_relative "block"

# The library calls of this program, with errors read and released.
module Calls
  TENANT = "acme"
  FOREVER = Raw::MTDB_FOREVER

  Outcome = Struct.new(:status, :line, :column, :message)

  # A call and the bookkeeping of what it returned must not be torn apart by a Timeout or a signal handler that raises.
  def whole(&block) = Thread.handle_interrupt(Object => :never, &block)

  def outcome(status, error)
    return Outcome.new(status, 0, 0, "") if error.zero?

    _, text, needed = Raw.mtdb_error_text(error, Raw::MTDB_ERROR_MESSAGE, 1024)
    Outcome.new(status, Raw.mtdb_error_line(error), Raw.mtdb_error_column(error), text.byteslice(0, needed))
  ensure
    Raw.mtdb_error_release(error)
  end

  def ok(name, status, *outputs, error)
    got = outcome(status, error)
    equal("#{name} #{got.message}", got.status, Raw::MTDB_OK)
    outputs.first
  end

  def open_db(folder) = ok("open", *Raw.mtdb_db_open("sqlite:#{folder}", nil))
  def lease(db) = ok("acquire", *Raw.mtdb_db_acquire(db, TENANT, nil, FOREVER, nil))

  def query(conn, sql, params: nil, token: nil)
    ok("query", *Raw.mtdb_conn_query(conn, sql, params, FOREVER, token))
  end

  # The next block, its used bytes, and the outcome.
  def fetch(result, token: nil, capacity: 65_536)
    whole do
      status, bytes, _rows, used, error = Raw.mtdb_result_fetch(result, token, capacity, 0)
      [Block.new(bytes), used, outcome(status, error)]
    end
  end

  # The first value, or the status of what failed.
  def only_value(conn, sql, token: nil)
    result = nil
    status = whole do
      status, result, error = Raw.mtdb_conn_query(conn, sql, nil, FOREVER, token)
      outcome(status, error).status
    end
    return status if status.negative?

    block, _, got = fetch(result, token: token)
    got.status.negative? ? got.status : block.value(0, 0)
  ensure
    Raw.mtdb_result_release(result)
  end
end

# The checks, one method each.
class Smoke
  include Calls

  TRICKY = "a\0😀z"
  ENDLESS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c"
  LONG = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 3000000) SELECT count(*) FROM c"

  class Stop < StandardError; end

  def initialize
    @passed = @failed = 0
  end

  def run(folder)
    version
    db = open_db(folder)
    ok("create", *Raw.mtdb_tenant_create(db, TENANT, FOREVER, nil))
    conn = lease(db)
    errors(db, conn)
    texts(conn)
    blocks(conn)
    cancels(conn)
    interrupts(conn)
    wrong_order(folder)
    close(db, conn)
    puts "#{@passed} passed, #{@failed} failed"
    @failed.zero?
  end

  private

  def equal(name, got, want)
    if got == want && got.class == want.class
      @passed += 1
    else
      @failed += 1
      puts "FAILED #{name}: got #{got.inspect}, want #{want.inspect}"
    end
  end

  def version
    ok("abi", *Raw.mtdb_abi_require(Raw::MTDB_VERSION_MAJOR, Raw::MTDB_VERSION_MINOR))
    status, text, needed, error = Raw.mtdb_status_text(Raw::MTDB_TENANT_UNKNOWN, 64)
    ok("status", status, error)
    equal("status text", text.byteslice(0, needed), "TENANT_UNKNOWN")
    status, _, needed, error = Raw.mtdb_status_text(Raw::MTDB_TENANT_UNKNOWN, 3)
    equal("truncated", [outcome(status, error).status, needed], [Raw::MTDB_TRUNCATED, 14])
  end

  def errors(db, conn)
    status, result, error = Raw.mtdb_conn_query(conn, "SELECT 1\n /* 😀 */ FROM FROM", nil, FOREVER, nil)
    got = outcome(status, error)
    equal("syntax error", [got.status, got.line, got.column], [Raw::MTDB_SQL_ERROR, 2, 15])
    equal("no result", result, 0)
    status, _, error = Raw.mtdb_db_acquire(db, "nobody", nil, FOREVER, nil)
    equal("unknown tenant", outcome(status, error).status, Raw::MTDB_TENANT_UNKNOWN)
    status, _, error = Raw.mtdb_conn_exec(nil, "SELECT 1", nil, 0, nil)
    equal("no handle", outcome(status, error).status, Raw::MTDB_INVALID_ARGUMENT)
  end

  def parameters(*texts)
    builder = ok("block", *Raw.mtdb_block_new)
    texts.each { |text| ok("text cell", *Raw.mtdb_block_add_text(builder, text)) }
    ok("row", *Raw.mtdb_block_end_row(builder))
    status, bytes, needed, error = Raw.mtdb_block_copy(builder, 4096)
    ok("copy", status, error)
    bytes.byteslice(0, needed)
  ensure
    Raw.mtdb_block_release(builder)
  end

  def texts(conn)
    result = query(conn, "SELECT ?1, length(CAST(?1 AS BLOB)), ?2, typeof(?2)", params: parameters(TRICKY, ""))
    block, = fetch(result)
    equal("one row", block.rows, 1)
    equal("round trip", block.row(0), [TRICKY, 7, "", "text"])
    Raw.mtdb_result_release(result)
  end

  def blocks(conn)
    result = query(conn, "SELECT 42 AS i, 1.5 AS d, 'grün 😀' AS \"t😀\", NULL AS n, 7 AS mixed, x'00ff' AS b " \
                         "UNION ALL SELECT -9223372036854775808, -0.25, '', NULL, 'seven', NULL")
    status, name, needed, error = Raw.mtdb_result_column_name(result, 2, 64)
    ok("name", status, error)
    equal("column name", name.byteslice(0, needed).force_encoding(Encoding::UTF_8), "t😀")
    _, used, got = fetch(result, capacity: 40)
    equal("block too small", [got.status, used > 40], [Raw::MTDB_TRUNCATED, true])
    block, = fetch(result)
    equal("shape", [block.columns, block.rows], [6, 2])
    equal("types", (0...6).map { |column| block.type(column) },
          [Raw::MTDB_TYPE_INT64, Raw::MTDB_TYPE_DOUBLE, Raw::MTDB_TYPE_TEXT, Raw::MTDB_TYPE_NULL,
           Raw::MTDB_TYPE_VARIANT, Raw::MTDB_TYPE_BYTES])
    equal("first row", block.row(0), [42, 1.5, "grün 😀", nil, 7, "\x00\xFF".b])
    equal("second row", block.row(1), [-9_223_372_036_854_775_808, -0.25, "", nil, "seven", nil])
    Raw.mtdb_result_release(result)
  end

  def cancels(conn)
    token = ok("token", *Raw.mtdb_cancel_new)
    canceller = Thread.new do
      sleep 0.2
      Raw.mtdb_cancel_trigger(token, 0)
    end
    started = now
    equal("cancelled", only_value(conn, ENDLESS, token: token), Raw::MTDB_CANCELLED)
    equal("in time", now - started < 20, true)
    canceller.join

    equal("generation", ok("reset", *Raw.mtdb_cancel_reset(token)), 2)
    equal("late trigger", Raw.mtdb_cancel_trigger(token, 1).first, Raw::MTDB_DONE)
    equal("next query", only_value(conn, "SELECT 5", token: token), 5)
    Raw.mtdb_cancel_release(token)
  end

  # What only Ruby has: exceptions and signals that want into a thread which waits in the library.
  def interrupts(conn)
    token = ok("token", *Raw.mtdb_cancel_new)
    timeouts(conn, token)
    signal_spares(conn, token)
    signal_ends(conn, token)
    Raw.mtdb_cancel_release(token)
  end

  def timeouts(conn, token)
    ticks = 0
    ticker = Thread.new { loop { sleep(0.01) && (ticks += 1) } }
    equal("timeout on the main thread", timed_out?(conn, token), true)
    equal("timeout on another thread", Thread.new { timed_out?(conn, token) }.value, true)
    ticker.kill
    equal("other threads ran meanwhile", ticks > 10, true)
    equal("the lease serves on", only_value(conn, "SELECT 6", token: token), 6)
  end

  def timed_out?(conn, token)
    started = now
    Timeout.timeout(0.2) { only_value(conn, ENDLESS, token: token) }
    false
  rescue Timeout::Error
    now - started < 20
  ensure
    ok("reset", *Raw.mtdb_cancel_reset(token))
  end

  def signal_spares(conn, token)
    seen = nil
    before = trap("USR1") { seen = now }
    send_signal("USR1")
    equal("a handled signal spares the query", only_value(conn, LONG, token: token), 3_000_000)
    ended = now
    equal("its handler ran meanwhile", !seen.nil? && seen < ended, true)
  ensure
    trap("USR1", before)
  end

  def signal_ends(conn, token)
    before = trap("USR2") { raise Stop }
    send_signal("USR2")
    stopped = begin
      whole { equal("its call returns", only_value(conn, ENDLESS, token: token), Raw::MTDB_CANCELLED) }
      false
    rescue Stop
      true
    end
    equal("a handler that raises ends the query", stopped, true)
    ok("reset", *Raw.mtdb_cancel_reset(token))
    equal("and the lease serves on", only_value(conn, "SELECT 7", token: token), 7)
  ensure
    trap("USR2", before)
  end

  # From outside: with a second Ruby thread, Ruby would take signals in another way.
  def send_signal(name)
    Process.spawn("sleep 0.1; kill -s #{name} #{Process.pid}")
  end

  def wrong_order(folder)
    db = open_db(folder)
    conn = lease(db)
    result = query(conn, "SELECT 1 UNION ALL SELECT 2")
    Raw.mtdb_db_release(db)
    Raw.mtdb_conn_release(conn)
    block, = fetch(result)
    equal("rows outlive their parents", [block.rows, block.value(1, 0)], [2, 2])
    Raw.mtdb_result_release(result)
    Raw.mtdb_result_release(nil)
  end

  def close(db, conn)
    ok("give back", *Raw.mtdb_conn_close(conn))
    equal("forced", ok("close", *Raw.mtdb_db_close(db, Raw::MTDB_DEFAULT, nil)), 0)
    status, _, error = Raw.mtdb_conn_exec(conn, "SELECT 1", nil, 0, nil)
    equal("use after close", outcome(status, error).status, Raw::MTDB_CLOSED)
    Raw.mtdb_conn_release(conn)
    Raw.mtdb_db_release(db)
  end

  def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
end

GC.stress = ENV.key?("MTDB_GC_STRESS")
exit(Dir.mktmpdir("mtdb-ruby-smoke-") { |folder| Smoke.new.run(File.realpath(folder)) })
