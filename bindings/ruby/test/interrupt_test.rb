# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require_relative "helper"

# Timeouts, cancels, exceptions of other threads and signals, in calls that wait.
class InterruptTest < MtdbTest
  class Stop < StandardError; end

  def ended_in_time
    began = now
    yield
    assert_operator now - began, :<, 20
  end

  def on_another_thread(&block) = Thread.new(&block).tap { |thread| thread.report_on_exception = false }.join

  def test_a_timeout_ends_a_query_on_every_thread
    open_lease do |lease|
      cut = -> { assert_raises(Timeout::Error) { Timeout.timeout(0.1) { lease.value(ENDLESS) } } }
      ended_in_time(&cut)
      ended_in_time { on_another_thread(&cut) }
      assert_equal 6, lease.value("SELECT 6")
    end
  end

  def test_a_timeout_ends_the_reading_of_rows
    open_lease("echo:") do |lease|
      ended_in_time do
        assert_raises(Timeout::Error) do
          Timeout.timeout(0.1) { lease.query("slow 100000 5", block_rows: 1).each { |row| row } }
        end
      end
      assert_equal 6, lease.value("echo 6")
    end
  end

  def test_other_threads_run_while_one_waits
    open_lease("echo:") do |lease|
      ticks = 0
      ticker = Thread.new { loop { sleep(0.005) && (ticks += 1) } }
      lease.exec("sleep 300")
      ticker.kill
      assert_operator ticks, :>, 10
    end
  end

  def test_a_deadline_is_a_timeout_of_the_language
    open_lease do |lease|
      error = assert_raises(Timeout::Error) { lease.value(ENDLESS, timeout: 0.05) }
      assert_equal [:TIMEOUT, "57014", true], [error.code, error.sqlstate, error.is_a?(Mtdb::Error)]
      assert_raises(Mtdb::InvalidArgumentError) { lease.value("SELECT 1", timeout: -1) }
    end
  end

  def test_a_cancel_ends_all_calls_under_it_and_none_after
    open_db("echo:") do |db|
      cancel = Mtdb::Cancel.new
      sleeping = -> { db.exec("sleep 60000", tenant: "a", cancel: cancel) }
      waiting = Array.new(3) { Thread.new { assert_raises(Mtdb::CancelledError, &sleeping) } }
      sleep 0.01 until db.pool_stats.sum { |pool| pool[:leased] } == 3
      ended_in_time { cancel.trigger && waiting.each(&:join) }
      assert_raises(Mtdb::CancelledError) { db.value("echo 1", tenant: "a", cancel: cancel) }
      assert_equal 1, db.value("echo 1", tenant: "a")
      assert_equal 1, db.value("echo 1", tenant: "a", cancel: cancel.reset)
    end
  end

  def test_a_cancel_ends_a_wait_for_a_lease
    open_db("echo:", pool_size_max: 1) do |db|
      db.tenant("a") do
        cancel = Mtdb::Cancel.new
        waiting = Thread.new { assert_raises(Mtdb::CancelledError) { db.tenant("a", cancel: cancel) { flunk } } }
        sleep 0.01 until db.pool_stats.sum { |pool| pool[:waiting] } == 1
        ended_in_time { cancel.trigger && waiting.join }
        assert_raises(Mtdb::BusyError) { db.tenant("a", timeout: 0.05) { flunk } }
        assert_raises(Timeout::Error) { Timeout.timeout(0.05) { db.tenant("a") { flunk } } }
      end
      assert_equal 1, db.value("echo 1", tenant: "a")
    end
  end

  def test_an_exception_from_another_thread_ends_a_query
    open_lease do |lease|
      thread = Thread.new { assert_raises(Stop) { lease.value(ENDLESS) } }
      sleep 0.05
      thread.raise(Stop)
      ended_in_time { thread.join }
      assert_equal 6, lease.value("SELECT 6")
    end
  end

  # From outside: with a second Ruby thread, Ruby would take signals in another way.
  def send_signal(name) = Process.spawn("sleep 0.1; kill -s #{name} #{Process.pid}")


  def test_a_handled_signal_spares_the_query
    seen = false
    before = trap("USR1") { seen = true }
    open_lease do |lease|
      pid = send_signal("USR1")
      assert_equal 2_000_000, lease.value("SELECT count(*) FROM (#{NUMBERS})", 2_000_000)
      Process.wait(pid)
      sleep 0.01 until seen
    end
  ensure
    trap("USR1", before)
  end

  def test_a_handler_may_trigger_a_cancel
    cancel = Mtdb::Cancel.new
    before = trap("USR1") { cancel.trigger }
    open_lease do |lease|
      pid = send_signal("USR1")
      ended_in_time { assert_raises(Mtdb::CancelledError) { lease.value(ENDLESS, cancel: cancel) } }
      Process.wait(pid)
    end
  ensure
    trap("USR1", before)
  end

  def test_a_handler_that_raises_ends_the_query
    before = trap("USR2") { raise Stop }
    open_lease do |lease|
      pid = send_signal("USR2")
      ended_in_time { assert_raises(Stop) { lease.value(ENDLESS) } }
      Process.wait(pid)
      assert_equal 6, lease.value("SELECT 6")
    end
  ensure
    trap("USR2", before)
  end

  def test_a_lease_is_given_back_whenever_the_timeout_comes
    open_db("echo:") do |db|
      1000.times do |i|
        Timeout.timeout(0.0005 + (i * 0.000002)) { loop { db.tenant("a") { |lease| lease.value("echo 1") } } }
      rescue Timeout::Error
        assert_equal 0, db.pool_stats.sum { |pool| pool[:leased] }
      end
      assert_empty db.events.select { |event| event.name == "lease.abandoned" }
    end
  end

  def test_a_second_thread_in_a_lease_is_refused_and_the_first_goes_on
    open_lease("echo:") do |lease|
      thread = Thread.new do
        lease.value("sleep 1000")
      rescue ThreadError
        retry # the other one was in it
      end
      error = assert_raises(ThreadError) { loop { lease.value("echo 1") } }
      assert_equal :MISUSE, error.code
      thread.join
      assert_equal 1, lease.value("echo 1")
    end
  end
end
