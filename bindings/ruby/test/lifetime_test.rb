# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require_relative "helper"

# What is dropped, forked, compacted, or open when the process ends.
class LifetimeTest < MtdbTest
  def leased(db) = db.pool_stats.sum { |pool| pool[:leased] }

  # Collects until nothing is leased: objects that the stack still shows by chance take another turn.
  def collect_until_free(db)
    100.times do
      GC.start
      db.maintain
      break if leased(db).zero?

      sleep 0.01
    end
    assert_equal 0, leased(db)
  end

  def abandon(db, count) = count.times { |i| db.tenant("a", tag: "here #{i}") }

  def test_a_thousand_abandoned_leases_are_given_back_and_reported
    open_db("echo:", pool_size_max: 1000) do |db|
      1000.times { |i| abandon(db, 1) if i >= 0 }
      collect_until_free(db)
      reported = db.events.select { |event| event.name == "lease.abandoned" }
      assert_equal 1000, reported.size
      assert_match(/here \d+/, reported.first.message)
      assert_equal 1, db.value("echo 1", tenant: "a")
    end
  end

  def half_read(db, count)
    count.times { db.query("rows 100000 int64, text", tenant: "a").each.next }
    count.times { db.query("rows 100000 int64, text", tenant: "a") }
  end

  def test_half_read_rows_give_their_lease_back
    open_db("echo:", pool_size_max: 1000) do |db|
      half_read(db, 100)
      collect_until_free(db)
    end
  end

  def test_handles_are_released_in_any_order
    open_db("echo:") do |db|
      lease = db.tenant("a")
      statement = lease.prepare("rows 10 int64")
      result = statement.query
      lease.close
      assert_raises(Mtdb::ClosedError) { statement.query }
      assert_raises(Mtdb::ClosedError) { lease.value("echo 1") }
      [result, statement, lease].each(&:close)
      assert(lease.closed? && result.closed?)
    end
    db = Mtdb.open("echo:")
    db.tenants.create("a")
    lease = db.tenant("a")
    assert_equal 1, db.close(timeout: 0)
    assert_raises(Mtdb::ClosedError) { lease.value("echo 1") }
    assert_raises(Mtdb::ClosedError) { db.value("echo 1", tenant: "a") }
    assert_equal 0, db.close
    lease.close
  end

  def test_compaction_moves_nothing_that_the_library_reads
    open_lease do |lease|
      text = "SELECT ? AS ".b.force_encoding(Encoding::UTF_8) + "name"
      result = lease.query(NUMBERS, 20_000)
      sum = 0
      result.each_hash do |row|
        GC.compact if (row[:n] % 4000).zero?
        sum += row[:n]
      end
      assert_equal 200_010_000, sum
      assert_equal %w[n], result.columns
      assert_equal "value", lease.value(text, "val" + "ue")
      GC.verify_compaction_references(double_heap: true, toward: :empty)
      assert_equal [{ a: 1, b: "x" }], lease.hashes("SELECT 1 AS a, 'x' AS b")
    end
  end

  def test_a_collection_at_every_allocation_loses_nothing
    open_lease do |lease|
      GC.stress = true
      lease.exec("CREATE TABLE t(a, b)")
      lease.exec_many("INSERT INTO t VALUES (?, ?)", [[1, "one"], [2, BigDecimal("2.5")], [Date.new(2024, 1, 1), nil]])
      assert_equal [[1, "one"], [2, "2.5"], ["2024-01-01", nil]], lease.rows("SELECT a, b FROM t")
      assert_equal [{ a: 1, b: "one" }], lease.hashes("SELECT a, b FROM t WHERE a = :a", { a: 1 })
      assert_raises(Mtdb::SqlError) { lease.exec("nonsense") }
      lease.transaction { |tx| tx.batch { |b| b.add("DELETE FROM t WHERE a = ?", 1) } }
      assert_equal 2, lease.value("SELECT count(*) FROM t")
    ensure
      GC.stress = false
    end
  end

  def gather(seen, failures)
    yield
  rescue Mtdb::ClosedError, Mtdb::MisuseError => e
    failures << e
  end

  def test_two_threads_in_one_result_read_no_row_twice
    open_lease do |lease|
      20.times do
        result = lease.query(NUMBERS, 100_000)
        seen = [[], []]
        failures = Queue.new
        threads = [Thread.new { gather(seen, failures) { result.each { |row| seen[0] << row.first } } },
                   Thread.new { gather(seen, failures) { result.each_block { |_, rows| seen[1] += rows.flatten } } }]
        threads.each(&:join)
        assert_operator failures.size, :>=, 1
        assert_equal [], seen[0] & seen[1]
        seen.each { |rows| assert_equal rows.uniq, rows }
      end
    end
  end

  def test_fibers_read_in_turn
    open_db do |db|
      %w[b c].each { |id| db.tenants.create(id) }
      fibers = %w[a b c].map { |id| reader(db, id) }
      seen = Array.new(50) { fibers.map(&:resume) }
      assert_equal Array.new(50) { |i| %w[a b c].map { |id| [id, i + 1] } }, seen
      fibers.each(&:resume)
      assert_equal 0, leased(db)
    end
  end

  def reader(db, id)
    Fiber.new do
      Mtdb.with_tenant(id) do
        db.query("SELECT n FROM (#{NUMBERS})", 50, block_rows: 1) { |row| Fiber.yield [Mtdb.current_tenant, row.first] }
      end
      nil
    end
  end

  def test_a_child_of_a_fork_sends_nothing_and_is_told
    open_db do |db|
      lease = db.tenant("a")
      lease.exec("CREATE TABLE t(a)")
      result = lease.query(NUMBERS, 100_000)
      answer = in_child { refusals(db, lease, result) }
      assert_equal [:FORKED] * 7, answer
      lease.exec("INSERT INTO t VALUES (1)")
      assert_equal [100_000, 1], [result.count, lease.value("SELECT count(*) FROM t")]
      lease.close
    end
  end

  def refusals(db, lease, result)
    tries = [-> { db.value("SELECT 1", tenant: "a") }, -> { db.tenant("a") { 1 } }, -> { lease.exec("DELETE FROM t") },
             -> { result.to_a }, -> { db.stats }, -> { lease.close },
             -> { Mtdb.open(db.url) { |own| own.value("SELECT 1", tenant: "a") } }]
    answers = tries.map do |try|
      try.call
      :ran
    rescue Mtdb::ForkedError => e
      e.code
    end
    GC.start
    answers
  end

  def in_child
    read, write = IO.pipe
    pid = fork do
      read.close
      write << Marshal.dump(yield)
      write.close
      exit!(true)
    end
    write.close
    Marshal.load(read.read)
  ensure
    Process.wait(pid)
    assert $?.success?
  end

  def test_a_db_that_is_opened_after_the_fork_serves
    body = <<~RUBY
      db.close
      pid = fork do
        Mtdb.open("echo:") { |own| own.tenants.create("x") && print(own.value("echo 7", tenant: "x")) }
      end
      Process.wait(pid)
      print $?.success?
    RUBY
    assert_equal [0, "7true"], program(body)
  end

  def test_a_process_ends_with_everything_open
    body = <<~RUBY
      leases = Array.new(3) { db.tenant("a") }
      leases[0].exec("CREATE TABLE t(a)")
      rows = leases[1].query("SELECT 1 UNION ALL SELECT 2").each
      rows.next
      statement = leases[2].prepare("SELECT 1")
      leases[0].begin_transaction
      Thread.new { leases[0].value(#{ENDLESS.inspect}) }
      sleep 0.1
      print "end"
    RUBY
    assert_equal [0, "end"], program(body)
  end

  def test_an_exception_that_ends_the_process_is_shown_as_any_other
    status, output = program("db.tenant('a') { |lease| lease.transaction { raise 'oops' } }")
    assert_equal 1, status
    assert_match(/oops \(RuntimeError\)/, output)
    waiting = "lease.value(#{ENDLESS.inspect})"
    status, output = program("db.tenant('a') { |lease| Process.kill('TERM', $$); #{waiting} }")
    assert_equal "15", status, output
  end
end
