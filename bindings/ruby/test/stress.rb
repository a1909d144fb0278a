# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# Usage: stress.rb
# Cancels and timeouts at random moments, and many threads over many tenants: every call gets its own rows, or the
# exception that it was due. MTDB_SCALE (1) multiplies the counts. Ends with `N passed, N failed`.

require "mtdb"
require "timeout"
require "tmpdir"

# Each round runs a call that may be cut, then one that may not, and looks at what both got.
class Stress
  ENDS = [Timeout::Error, Mtdb::CancelledError, Mtdb::TimeoutError].freeze
  COUNT = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < %d) SELECT count(*) FROM c"
  # May be complete before it is cut, and never is.
  SLOW = { "echo" => ["slow 2 1", "slow 1000000 1"], "sqlite" => [COUNT % 1000, COUNT % (10**15)] }.freeze
  VALUE = { "echo" => "echo ?", "sqlite" => "SELECT ?" }.freeze

  def initialize(scale)
    @scale = scale
    @random = Random.new
    @passed = @failed = @cut = 0
  end

  def run
    puts "seed #{@random.seed}"
    over("echo:") { |db| cuts(db, times(4000)) }
    Dir.mktmpdir("mtdb-ruby-") { |folder| over("sqlite:#{folder}") { |db| cuts(db, times(4000)) } }
    over("echo:") { |db| threads_of_cuts(db, 8, times(500)) }
    Dir.mktmpdir("mtdb-ruby-") { |folder| mixed("sqlite:#{folder}") }
    puts "#{@cut} calls were cut", "#{@passed} passed, #{@failed} failed"
    @failed.zero? && @cut > 10_000 * @scale
  end

  private

  def times(count) = (count * @scale).ceil

  def check(claim, holds)
    return @passed += 1 if holds

    @failed += 1
    puts "FAILED #{claim}"
  end

  def over(url)
    Mtdb.open(url) do |db|
      db.tenants.create("a")
      yield db
      check "#{db.engine}: no lease stays out", db.pool_stats.sum { |pool| pool[:leased] }.zero?
      check "#{db.engine}: no lease was abandoned", db.events.none? { |event| event.name == "lease.abandoned" }
    end
  end

  def cuts(db, rounds)
    db.tenant("a") do |lease|
      rounds.times { |round| cut_once(db.engine, lease, round, @random.rand(0.002)) }
    end
  end

  # The call is either cut, or complete; whatever it was, the next one is its own.
  def cut_once(engine, lease, round, moment)
    begin
      sql = SLOW[engine][(round % 10).zero? ? 0 : 1]
      cut(round, moment) { |**how| lease.query(sql, **how) { |row| row } }
    rescue *ENDS
      @cut += 1
    end
    got = lease.value(VALUE[engine], round)
    check "#{engine}: round #{round} got #{got.inspect}", got == round
  end

  def cut(round, moment, &call)
    case round % 3
    when 0 then Timeout.timeout(moment) { call.call }
    when 1 then call.call(timeout: moment)
    else
      cancel = Mtdb::Cancel.new
      trigger = Thread.new { sleep(moment) && cancel.trigger }
      begin
        call.call(cancel: cancel)
      ensure
        trigger.join
      end
    end
  end

  def threads_of_cuts(db, count, rounds)
    count.times { |i| db.tenants.create("t#{i}") }
    workers = Array.new(count) do |i|
      Thread.new do
        db.tenant("t#{i}") { |lease| rounds.times { |round| cut_once("echo", lease, round, rand * 0.002) } }
      end
    end
    workers.each(&:join)
  end

  # Threads that change between tenants, each of which has its name in every row.
  def mixed(url)
    Mtdb.open(url, pool_size_max: 4) do |db|
      tenants = Array.new(20) { |i| "tenant#{i}" }
      tenants.each { |id| prepare(db, id) }
      wrong = Array.new(100) { |i| Thread.new { strangers(db, tenants.rotate(i), times(20)) } }.sum(&:value)
      check "100 threads in 20 tenants met #{wrong} strangers", wrong.zero?
      check "no lease stays out", db.pool_stats.sum { |pool| pool[:leased] }.zero?
    end
  end

  def prepare(db, id)
    db.tenants.create(id)
    db.tenant(id) do |lease|
      lease.exec("CREATE TABLE t(owner TEXT, n)")
      lease.exec_many("INSERT INTO t VALUES (?, ?)", Array.new(50) { |n| [id, n] })
    end
  end

  def strangers(db, tenants, rounds)
    (0...rounds).sum do |round|
      Mtdb.with_tenant(tenants[round % tenants.size]) do |id|
        rows = round.odd? ? db.rows("SELECT owner FROM t") : db.tenant { |lease| lease.rows("SELECT owner FROM t") }
        rows.size == 50 ? rows.count { |row| row.first != id } : 1
      end
    end
  end
end

exit(Stress.new(ENV.fetch("MTDB_SCALE", "1").to_f).run)
