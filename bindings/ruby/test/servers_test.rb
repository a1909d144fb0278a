# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require_relative "helper"

# PostgreSQL and MariaDB, those of tests/servers: values, cuts, fairness to the next call, two tenants.
module ServerCases
  TENANTS = %w[ruba rubb].freeze
  UUID = "00000000-1111-2222-3333-444444444444"

  def setup
    @db = Mtdb.open(url, placeholders: "portable")
    remove_tenants
    TENANTS.each { |id| @db.tenants.create(id) }
  end

  def teardown
    assert_equal 0, @db.pool_stats.sum { |pool| pool[:leased] }, "a lease stayed out"
    remove_tenants
    @db.close
  end

  def remove_tenants = TENANTS.each { |id| @db.tenants.drop(id) if @db.tenants.exist?(id) }
  def lease(id = TENANTS.first, &block) = @db.tenant(id, &block)

  def stored(t, type, value)
    t.script("DROP TABLE IF EXISTS v; CREATE TABLE v(v #{type})")
    t.exec("INSERT INTO v VALUES (?)", value)
    t.value("SELECT v FROM v")
  end

  def test_values_are_kept_by_the_server
    lease do |t|
      columns.each { |type, value| assert_equal value, stored(t, type, value), type }
    end
  end

  def test_a_deadline_a_cancel_and_a_timeout_end_a_statement_at_the_server
    lease do |t|
      assert_raises(Mtdb::TimeoutError) { t.exec(sleeping(30), timeout: 0.1) }
      assert_equal 1, t.value("SELECT 1")
      cancel = Mtdb::Cancel.new
      trigger = Thread.new { sleep(0.1) && cancel.trigger }
      assert_raises(Mtdb::CancelledError) { t.exec(sleeping(30), cancel: cancel) }
      trigger.join
      assert_equal 2, t.value("SELECT 2")
      assert_raises(Timeout::Error) { Timeout.timeout(0.1) { t.exec(sleeping(30)) } }
      assert_equal 3, t.value("SELECT 3")
    end
  end

  ROUNDS = (1000 * ENV.fetch("MTDB_SCALE", "1").to_f).ceil

  # What ends a call, and what it is then.
  CUTS = [
    [Timeout::Error, ->(t, sql, moment) { Timeout.timeout(moment) { t.value(sql) } }],
    [Mtdb::TimeoutError, ->(t, sql, moment) { t.value(sql, timeout: moment) }],
    [Mtdb::CancelledError, lambda { |t, sql, moment|
      cancel = Mtdb::Cancel.new
      trigger = Thread.new { sleep(moment) && cancel.trigger }
      begin
        t.value(sql, cancel: cancel)
      ensure
        trigger.join
      end
    }]
  ].freeze

  # Each call in a tenant that the connection did not stand in before. A connection is closed when the server did not
  # say that the cut has settled: then the lease says so, and the next one gives the rows.
  def test_every_call_after_a_cut_gets_its_own_rows
    ROUNDS.times do |round|
      tenant = TENANTS[round % 2]
      own = [round, tenant]
      lease(tenant) do |t|
        due, cut = CUTS[round % 3]
        error = assert_raises(Timeout::Error, Mtdb::CancelledError) { cut.call(t, sleeping(60), rand * 0.004) }
        assert_equal due, error.class
        assert_equal own, t.first("SELECT #{round}, #{here}")
      rescue Mtdb::ConnectionError => e
        assert_equal :UNAVAILABLE, e.code
      end
      assert_equal own, @db.first("SELECT #{round}, #{here}", tenant: tenant)
    end
  end

  def test_two_tenants_at_once_do_not_see_each_other
    TENANTS.each { |id| lease(id) { |t| t.script("CREATE TABLE t(v VARCHAR(10)); INSERT INTO t VALUES ('#{id}')") } }
    threads = (TENANTS * 4).map do |id|
      Thread.new { Mtdb.with_tenant(id) { Array.new(50) { @db.value("SELECT v FROM t") }.uniq == [id] } }
    end
    assert_equal [true] * 8, threads.map(&:value)
    lease { |t| assert_equal "rubb", t.use("rubb") { t.value("SELECT v FROM t") } }
  end

  def test_many_rows_and_an_early_end
    lease do |t|
      t.script("CREATE TABLE n(n INT)")
      t.transaction { t.exec_many("INSERT INTO n VALUES (?)", Array.new(20_000) { |i| [i] }) }
      assert_equal (0...20_000).sum, t.query("SELECT n FROM n").sum(&:first)
      assert_equal [0], t.query("SELECT n FROM n ORDER BY n").first
      assert_equal 20_000, t.value("SELECT count(*) FROM n")
    end
  end

  def test_a_transaction_that_cannot_be_ordered_runs_again
    lease { |t| t.script("CREATE TABLE c(id INT PRIMARY KEY, n INT); INSERT INTO c VALUES (1, 0)") }
    threads = Array.new(4) { Thread.new { 10.times { add_one } } }
    threads.each(&:join)
    assert_equal 40, @db.value("SELECT n FROM c", tenant: TENANTS.first)
  end

  def add_one
    @db.transaction(TENANTS.first, attempts: 100, isolation: "serializable") do |t|
      t.exec("UPDATE c SET n = ? WHERE id = 1", t.value("SELECT n FROM c WHERE id = 1") + 1)
    end
  end
end

if ENV["MTDB_TEST_SERVERS"]
  class PostgresTest < MtdbTest
    include ServerCases

    def url = ENV.fetch("MTDB_TEST_POSTGRES")
    def sleeping(seconds) = "SELECT 1 FROM pg_sleep(#{seconds})"
    def here = "current_schema()"

    def columns
      { "BIGINT" => 2**62, "DOUBLE PRECISION" => 0.1, "NUMERIC(20,2)" => BigDecimal("1.5"), "BOOLEAN" => true,
        "TEXT" => "a😀", "BYTEA" => "\0\xFF".b, "DATE" => Date.new(2024, 2, 29), "UUID" => UUID,
        "TIMESTAMPTZ" => Time.utc(2024, 2, 29, 1, 2, 3.5), "TIMESTAMP" => Time.utc(2024, 2, 29, 1, 2, 3.5),
        "TIME" => Mtdb::TimeOfDay.of(23, 59, 59), "INTERVAL" => Mtdb::Interval.new(14, 3, 4_500_000),
        "JSON" => '{"a": [1, null]}', "INTEGER[]" => "{1,2}", "INET" => "10.0.0.1" }
    end

    def test_infinity_is_a_float
      infinite = lease { |t| t.first("SELECT 'infinity'::date, '-infinity'::timestamp") }
      assert_equal [Float::INFINITY, -Float::INFINITY], infinite
    end
  end

  class MysqlTest < MtdbTest
    include ServerCases

    def url = ENV.fetch("MTDB_TEST_MYSQL")
    def sleeping(seconds) = "SELECT SLEEP(#{seconds})"
    def here = "database()"

    def columns
      { "BIGINT" => -(2**62), "BIGINT UNSIGNED" => (2**64) - 1, "DOUBLE" => 0.1, "DECIMAL(20,2)" => BigDecimal("1.5"),
        "BOOLEAN" => true, "VARCHAR(20)" => "a😀", "BLOB" => "\0\xFF".b, "DATE" => Date.new(2024, 2, 29),
        "DATETIME(6)" => Time.utc(2024, 2, 29, 1, 2, 3.5), "TIMESTAMP(6)" => Time.utc(2024, 2, 29, 1, 2, 3.5),
        "TIME" => Mtdb::TimeOfDay.of(-838, 0, 0), "UUID" => UUID,
        "JSON" => '{"a": [1, null]}' }
    end
  end
end
