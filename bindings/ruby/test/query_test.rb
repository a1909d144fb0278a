# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require_relative "helper"

class QueryTest < MtdbTest
  def test_rows_and_their_values_are_frozen
    open_lease do |lease|
      row = lease.first("SELECT 1, 'text', x'00ff', 1.5")
      assert_equal [1, "text", "\x00\xFF".b, 1.5], row
      assert(row.frozen? && row.all?(&:frozen?))
      hash = lease.hashes("SELECT 'x' AS name").first
      assert_equal({ name: "x" }, hash)
      assert hash.frozen?
    end
  end

  def test_names_are_frozen_and_there_before_and_after_the_rows
    open_lease do |lease|
      result = lease.query("SELECT 1 AS grün, 2 AS \"t😀\"")
      assert_equal %w[grün t😀], result.columns
      result.to_a
      assert_equal %w[grün t😀], result.columns
      assert(result.columns.frozen? && result.columns.all?(&:frozen?))
      late = lease.query("SELECT 3 AS later")
      late.to_a
      assert_equal %w[later], late.columns
    end
  end

  def test_text_is_utf8_and_bytes_are_binary
    open_lease do |lease|
      text, bytes = lease.first("SELECT ?, ?", "a\0😀", "\xFF\x00".b)
      assert_equal ["a\0😀", Encoding::UTF_8], [text, text.encoding]
      assert_equal ["\xFF\x00".b, Encoding::BINARY], [bytes, bytes.encoding]
      assert_equal "grün", lease.value("SELECT ?", "grün".encode(Encoding::ISO_8859_1))
      assert_raises(Mtdb::InvalidArgumentError) { lease.value("SELECT ?", "\xFF") }
    end
  end

  def test_values_by_name_and_by_position
    open_lease do |lease|
      assert_equal [1, "b", 1], lease.first("SELECT :a, :b, :a", { a: 1, ":b" => "b" })
      assert_equal [nil, 2], lease.first("SELECT :a, :b", { b: 2 })
      assert_equal [2, 1], lease.first("SELECT ?2, ?1", 1, 2)
      assert_raises(Mtdb::NotFoundError) { lease.first("SELECT :a", { c: 1 }) }
      assert_raises(Mtdb::InvalidArgumentError) { lease.first("SELECT ?", 1, 2) }
      assert_equal 1, lease.exec("CREATE TABLE t(a)") + lease.exec("INSERT INTO t VALUES (:a)", { a: 1 })
    end
  end

  def test_a_result_is_enumerable_and_read_once
    open_lease do |lease|
      result = lease.query(NUMBERS, 5)
      assert_equal [1, 2, 3], result.lazy.map(&:first).first(3)
      assert result.closed?
      error = assert_raises(Mtdb::ClosedError) { result.to_a }
      assert_match(/once/, error.message)
      assert_equal 15, lease.query(NUMBERS, 5).sum(&:first)
      assert_equal [[1], [2]], lease.query(NUMBERS, 100_000).take_while { |row| row.first < 3 }
    end
  end

  def test_many_rows_arrive_in_order
    open_lease do |lease|
      assert_equal (1..100_000).to_a, lease.query(NUMBERS, 100_000).map(&:first)
      assert_equal (1..3000).to_a, lease.query(NUMBERS, 3000, block_rows: 7).map(&:first)
    end
  end

  def test_an_enumerator_reads_from_outside
    open_lease do |lease|
      rows = lease.query(NUMBERS, 3).each
      assert_equal [[1], [2], [3]], Array.new(3) { rows.next }
      assert_raises(StopIteration) { rows.next }
    end
  end

  def test_blocks_and_sets_are_enumerators_too
    open_lease do |lease|
      blocks = lease.query(NUMBERS, 5, block_rows: 2).each_block.to_a
      assert_equal [[1, 2], [3, 4], [5]], blocks.map(&:last).reject(&:empty?).map(&:flatten)
      assert_equal [[:int64]], blocks.map(&:first).uniq.first(1)
      assert_equal [[[1]]], lease.query("SELECT 1").each_set.map(&:to_a)
    end
  end

  def test_leaving_the_rows_early_ends_the_reading
    open_lease do |lease|
      seen = lease.query(NUMBERS, 1_000_000) { |row| break row.first if row.first == 500 }
      assert_equal 500, seen
      assert_raises(RuntimeError) { lease.query(NUMBERS, 1_000_000).each { raise "stop" } }
      catch(:out) { lease.query(NUMBERS, 1_000_000).each { throw :out } }
      assert_equal 6, lease.value("SELECT 6")
    end
  end

  def test_a_result_closed_within_its_own_block_ends
    open_lease do |lease|
      result = lease.query(NUMBERS, 10)
      seen = []
      result.each do |row|
        seen << row.first
        result.close if row.first == 3
      end
      assert_equal [1, 2, 3], seen
    end
  end

  def test_a_second_result_does_not_disturb_the_first
    open_lease do |lease|
      pairs = lease.query(NUMBERS, 3).map { |row| [row.first, lease.value("SELECT ? * 2", row.first)] }
      assert_equal [[1, 2], [2, 4], [3, 6]], pairs
    end
  end

  def test_a_statement_runs_many_times
    open_lease do |lease|
      lease.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, v)")
      lease.prepare("INSERT INTO t(v) VALUES (:v)") do |insert|
        assert_equal 1, insert.parameter_count
        3.times { |i| assert_equal 1, insert.exec(i) }
        assert_equal 2, insert.exec_many([["x"], [2**64 - 1]].take(1) + [[nil]])
      end
      lease.prepare("SELECT v FROM t ORDER BY id") { |select| assert_equal [0, 1, 2, "x", nil], select.rows.flatten }
      lease.prepare("SELECT :a, :b") { |select| assert_equal [5, nil], select.first({ a: 5 }) }
    end
  end

  def test_a_batch_is_all_or_none
    open_lease do |lease|
      lease.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, v UNIQUE)")
      done = lease.batch { |b| b.add("INSERT INTO t(v) VALUES (?)", 1).add("INSERT INTO t(v) VALUES (?), (?)", 2, 3) }
      assert_equal [[1, 1, 1], [2, 2, 3]], done.map(&:values)
      error = assert_raises(Mtdb::ConstraintError) do
        lease.batch { |b| b.add("INSERT INTO t(v) VALUES (9)").add("INSERT INTO t(v) VALUES (1)") }
      end
      assert_equal 2, error.statement
      assert_equal 3, lease.value("SELECT count(*) FROM t")
    end
  end

  def test_one_shot_calls_take_the_tenant_of_the_scope
    open_db do |db|
      assert_equal 1, db.value("SELECT 1", tenant: "a")
      Mtdb.with_tenant("a") do
        db.exec("CREATE TABLE t(a)")
        assert_equal 2, db.exec_many("INSERT INTO t VALUES (?)", [[1], [2]])
        assert_equal 0, db.exec_many("INSERT INTO t VALUES (3)", [])
        assert_equal [{ a: 1 }, { a: 2 }], db.hashes("SELECT a FROM t")
        assert_equal [{ a: 2 }], db.hashes("SELECT a FROM t WHERE a = :a", { a: 2 })
        assert_equal 1, db.exec("DELETE FROM t WHERE a = :a", { a: 2 })
      end
      assert_nil Mtdb.current_tenant
      error = assert_raises(Mtdb::InvalidArgumentError) { db.value("SELECT 1") }
      assert_match(/no tenant/, error.message)
      assert_equal 0, db.pool_stats.sum { |pool| pool[:leased] }
    end
  end

  def test_a_scope_is_of_its_fiber_and_thread
    Mtdb.with_tenant("a") do
      assert_nil(Thread.new { Mtdb.current_tenant }.value)
      assert_nil(Fiber.new { Mtdb.current_tenant }.resume)
      Mtdb.with_tenant("b") { assert_equal "b", Mtdb.current_tenant }
      assert_equal "a", Mtdb.current_tenant
    end
  end

  def test_nothing_that_is_shown_has_values_in_it
    open_db do |db|
      result = db.query("SELECT 'secret' AS s", tenant: "a")
      texts = [db, db.tenants, result, Mtdb::Database.allocate.class].map(&:inspect)
      refute_match(/secret/, texts.join)
      db.tenant("a") { |lease| refute_match(/secret/, lease.prepare("SELECT 'secret'").inspect) }
    end
    Mtdb.open("postgres://me:secret@127.0.0.1:1/x?sslpassword=secret") do |db|
      error = assert_raises(Mtdb::ConnectionError) { db.value("SELECT 'secret'", tenant: "a", timeout: 0.2) }
      refute_match(/secret/, [db.inspect, db.url, error.message, error.inspect].join)
    end
  end
end
