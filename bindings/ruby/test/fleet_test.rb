# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require_relative "helper"

# Runs over many tenants: waves, shared tables, rows of a query.
class FleetTest < MtdbTest
  ENDLESS_ROWS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c"
  TENANTS = %w[a b c].freeze

  # A db with the tenants a, b and c, each of which has its id in table `me`.
  def open_three(**options)
    open_db(**options) do |db|
      TENANTS.each do |id|
        db.tenants.create(id) unless id == "a"
        db.tenant(id) { |t| t.script("CREATE TABLE me(id TEXT, n INTEGER); INSERT INTO me VALUES ('#{id}', 1)") }
      end
      yield db
    end
  end

  def open_empty(**options)
    open_db(**options) do |db|
      %w[b c].each { |id| db.tenants.create(id) }
      yield db
    end
  end

  def scripts(db)
    db.migrator do |migrator|
      migrator.add("1", "one", "CREATE TABLE one(a)", down: "DROP TABLE one")
      migrator.add("2", "two", "CREATE TABLE two(a)", down: "DROP TABLE two")
    end
  end

  def query_fleet(db, sql, **options) = db.fleet(verb: "sql", sql: sql, workers: 2, **options)
  def leased(db) = db.pool_stats.sum { |pool| pool[:leased] }

  def test_a_fleet_asks_between_its_waves
    open_empty do |db|
      fleet = db.fleet(scripts(db), tenants: TENANTS, canary: 1, waves: [1], verdict: true)
      seen = []
      assert_equal 0, fleet.run { |progress| seen << progress[:done] }
      assert_equal [1, 2], seen
      assert_equal [["a", "done", "2"], ["b", "done", "2"], ["c", "done", "2"]],
                   fleet.results.map { |row| row.values_at(:tenant, :state, :version) }
      assert_equal "done", fleet.progress[:state]
    end
  end

  def test_a_fleet_that_is_refused_halts
    open_empty do |db|
      fleet = db.fleet(scripts(db), canary: 1, verdict: true)
      error = assert_raises(Mtdb::ClosedError) { fleet.run { false } }
      assert_equal :INVALID_STATE, error.code
      assert_equal ["halted", "the host's verdict"], fleet.progress.values_at(:state, :reason)
      assert_equal(%w[done pending pending], fleet.results.map { |row| row[:state] })
    end
  end

  def test_a_block_that_raises_between_waves_leaves_the_run_to_be_gone_on_with
    open_empty do |db|
      fleet = db.fleet(scripts(db), canary: 1, verdict: true)
      assert_raises(IOError) { fleet.run { raise IOError } }
      assert_equal "verdict", fleet.progress[:state]
      assert_equal 0, fleet.run { true }
      assert_equal(%w[done done done], fleet.results.map { |row| row[:state] })
    end
  end

  def test_a_fleet_of_sql_needs_no_migrator
    open_db do |db|
      fleet = db.fleet(verb: "sql", sql: "CREATE TABLE x(a)", write: true, ledger: "off")
      assert_equal 0, fleet.run
      assert_equal 0, db.value("SELECT count(*) FROM x", tenant: "a")
      assert_raises(ArgumentError) { db.fleet(verb: "walk") }
    end
  end

  def test_a_list_of_no_tenants_is_not_all_of_them
    open_empty do |db|
      migrator = scripts(db)
      assert_empty migrator.run("migrate", "latest", tenants: [])
      [-> { db.fleet(migrator, tenants: []) }, -> { db.fleet(migrator).add_wave },
       -> { db.fleet(migrator).add_wave([]) }, -> { migrator.run("migrate", "latest", tenants: [""]) },
       -> { migrator.run("migrate", tenants: ["b\nc"]) },
       -> { db.fleet(migrator).add_wave("b\nc") }].each { |call| assert_raises(Mtdb::InvalidArgumentError, &call) }
      untouched = migrator.run("status").select { |row| row[:version].to_s.empty? }
      assert_equal(%w[a b c], untouched.map { |row| row[:tenant] })
      assert_equal(["b"], migrator.run("migrate", "latest", tenants: [:b]).map { |row| row[:tenant] })
    end
  end

  def test_a_run_of_a_migrator_gets_the_routes_it_needs
    open_db do |db|
      asked = []
      Mtdb.open(db.url, resolver: ->(id) { (asked << id) && (id == "a" ? "a.db" : nil) }) do |routed|
        rows = scripts(routed).run("migrate", "latest", tenants: %w[a ghost])
        assert_equal([["a", 2, nil], ["ghost", 0, :TENANT_UNKNOWN]],
                     rows.map { |row| [row[:tenant], row[:applied], row[:error]&.code] })
      end
      assert_equal %w[a ghost], asked
    end
  end

  def test_waves_by_list
    open_empty do |db|
      fleet = db.fleet(scripts(db), verdict: true).add_wave("c", :b).add_wave(["a"])
      seen = []
      assert_equal(0, fleet.run { |progress| seen << progress.values_at(:wave, :waves, :done) })
      assert_equal [2, 2, 2], seen.first
      assert_equal [["a", 2], ["b", 1], ["c", 1]], fleet.results.map { |row| row.values_at(:tenant, :wave) }.sort
      assert_raises(Mtdb::ClosedError) { fleet.add_wave("d") }
    end
  end

  def test_shared_tables_come_before_the_tenants
    open_empty(tenant_shared: "plans") do |db|
      shared = db.migrator { |m| m.add("1", "plan", "CREATE TABLE plan(name); INSERT INTO plan VALUES ('gold')") }
      own = db.migrator { |m| m.add("1", "mine", "CREATE TABLE mine AS SELECT name FROM plans.plan") }
      assert_equal 0, db.fleet(own).share(shared).run
      assert_equal([["gold"]] * 3, TENANTS.map { |id| db.first("SELECT name FROM mine", tenant: id) })
      broken = db.migrator { |m| m.add("1", "bad", "CREATE TABEL bad(a)") }
      fleet = db.fleet(scripts(db)).share(broken)
      assert_raises(Mtdb::MigrationError) { fleet.run }
      assert_equal([["pending", 0]], fleet.results.map { |row| row.values_at(:state, :applied) }.uniq)
    end
  end

  def test_rows_of_a_query_have_their_tenants_id
    open_three do |db|
      fleet = query_fleet(db, "SELECT id, n FROM me")
      rows = fleet.query
      assert_equal %w[tenant id n], rows.columns
      assert_equal TENANTS.map { |id| [id, id, 1] }, rows.to_a.sort
      assert_equal([%w[a done], %w[b done], %w[c done]], fleet.results.map { |row| row.values_at(:tenant, :state) })
      hashes = query_fleet(db, "SELECT n FROM me", tenants: %w[b]).query.each_hash.to_a
      assert_equal [{ tenant: "b", n: 1 }], hashes
      assert_raises(Mtdb::ClosedError) { fleet.query }
      assert_raises(Mtdb::InvalidArgumentError) { db.fleet(scripts(db)).query }
      assert_raises(Mtdb::SqlError) { query_fleet(db, "SELECT nothing FROM me").query.to_a }
    end
  end

  def test_rows_of_many_blocks_stay_with_their_tenant_and_in_order
    open_three do |db|
      count = 20_000
      sql = "SELECT id, c.n FROM me, (#{NUMBERS.sub("?", count.to_s)}) AS c"
      seen = Hash.new(0)
      query_fleet(db, sql).query do |tenant, id, n|
        raise "a row of #{id} came as #{tenant}'s" unless tenant == id
        raise "row #{n} of #{id} after #{seen[id]}" unless n == seen[id] + 1

        seen[id] = n
        GC.compact if (n % 7000).zero?
      end
      assert_equal({ "a" => count, "b" => count, "c" => count }, seen)
    end
  end

  def test_a_reading_that_ends_early_ends_the_run
    open_three do |db|
      endings = {
        "break" => [nil, ->(fleet) { fleet.query { break } }],
        "first" => [nil, ->(fleet) { fleet.query.first }],
        "an exception" => [IOError, ->(fleet) { fleet.query { raise IOError } }],
        "a deadline" => [Mtdb::TimeoutError, ->(fleet) { fleet.query(timeout: 0.1) { |row| row } }],
        "a Timeout" => [Timeout::Error, ->(fleet) { Timeout.timeout(0.1) { fleet.query { |row| row } } }],
        "a cancel" => [Mtdb::CancelledError, method(:cancelled)]
      }
      endings.each do |name, (type, ending)|
        fleet = query_fleet(db, ENDLESS_ROWS)
        type ? assert_raises(type) { ending.call(fleet) } : ending.call(fleet)
        assert_equal 0, leased(db), name
      end
      assert_equal "a", db.value("SELECT id FROM me", tenant: "a")
    end
  end

  def cancelled(fleet)
    cancel = Mtdb::Cancel.new
    fleet.query(cancel: cancel) { |row| cancel.trigger if row.last == 5000 }
  end

  def test_a_resolver_is_asked_before_the_run
    Dir.mktmpdir("mtdb-ruby-") do |folder|
      resolver = ->(id) { "at-#{id}.db" unless id == "ghost" }
      Mtdb.open("sqlite:#{folder}", resolver: resolver) { |db| fill(db) }
      Mtdb.open("sqlite:#{folder}", resolver: resolver) do |db|
        fleet = query_fleet(db, "SELECT id FROM me", tenants: %w[a ghost b], on_failure: "continue", ledger: "off")
        assert_equal [%w[a a], %w[b b]], fleet.query.to_a.sort
        states = fleet.results.map { |row| [row[:state], row[:error]&.code] }
        assert_equal [["done", nil], ["failed", :TENANT_UNKNOWN], ["done", nil]], states
      end
      Mtdb.open("sqlite:#{folder}", resolver: resolver) do |db|
        assert_equal 0, db.fleet(verb: "sql", sql: "SELECT 1", tenants: %w[a b], ledger: "off").run
      end
    end
  end

  def fill(db)
    %w[a b].each do |id|
      db.tenants.create(id)
      db.tenant(id) { |t| t.script("CREATE TABLE me(id TEXT); INSERT INTO me VALUES ('#{id}')") }
    end
  end
end
