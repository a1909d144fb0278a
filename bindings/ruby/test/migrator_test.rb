# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require_relative "helper"

# Migrators, and the flags that pause them.
class MigratorTest < MtdbTest
  def scripts(db, **options)
    db.migrator(**options) do |migrator|
      migrator.add("1", "one", "CREATE TABLE one(a)", down: "DROP TABLE one")
      migrator.add("2", "two", "CREATE TABLE two(a)", down: "DROP TABLE two")
    end
  end

  def test_a_tenant_is_migrated_up_and_down
    open_db do |db|
      migrator = scripts(db)
      assert_equal(%w[1 2], migrator.plan("a").map { |step| step[:version] })
      assert_equal 1, migrator.migrate("a", "1")
      assert_equal %w[1 outdated], migrator.status("a").values_at(:current, :state)
      assert_equal 1, migrator.migrate("a")
      assert_equal [], migrator.validate("a")
      assert_equal 1, migrator.undo("a")
      assert_equal(["2"], migrator.validate("a").map { |problem| problem[:version] })
      assert_equal([%w[1 success], %w[2 pending]],
                   migrator.info("a").map { |row| row.values_at(:version, :state) }.values_at(0, -1))
    end
  end

  def test_a_script_that_fails_says_where
    open_db do |db|
      migrator = db.migrator { |m| m.add("1", "bad", "CREATE TABLE ok(a);\nCREATE TABEL bad(a);") }
      error = assert_raises(Mtdb::MigrationError) { migrator.migrate("a") }
      assert_equal [:MIGRATION_FAILED, "V1__bad.sql", 2, 2], [error.code, error.script, error.statement, error.line]
      assert_equal 0, db.value("SELECT count(*) FROM sqlite_master WHERE name = 'ok'", tenant: "a")
    end
  end

  def test_a_tenant_is_migrated_at_its_first_lease
    open_db do |db|
      scripts(db, mode: "auto").enable
      assert_equal 0, db.value("SELECT count(*) FROM two", tenant: "a")
    end
  end

  def test_a_folder_of_scripts
    Dir.mktmpdir("mtdb-ruby-") do |folder|
      File.write(File.join(folder, "1_first.up.sql"), "CREATE TABLE first(a)")
      File.write(File.join(folder, "1_first.down.sql"), "DROP TABLE first")
      open_db do |db|
        migrator = db.migrator(source: folder)
        assert_equal 1, migrator.migrate("a")
        migrator.force("a", "1")
        assert_equal "schema_migrations", migrator.status("a")[:history]
      end
    end
  end

  def test_many_tenants_go_on_after_one_failed
    open_db do |db|
      %w[b c].each { |id| db.tenants.create(id) }
      db.exec("CREATE TABLE one(a)", tenant: "b")
      rows = scripts(db).run("migrate", tenants: %w[c b a], workers: 2)
      assert_equal(%w[c b a], rows.map { |row| row[:tenant] })
      assert_equal([0, -2, 0], rows.map { |row| row[:status] })
      assert_kind_of Mtdb::ClosedError, rows[1][:error]
      assert_nil rows[0][:error]
    end
  end

  def test_a_flag_pauses_the_deployment
    Dir.mktmpdir("mtdb-ruby-") do |folder|
      open_db do |db|
        flags = db.quiesce(store: File.join(folder, "flags.db"), refresh_ms: 50).create.enable
        change = flags.watch
        token = flags.set(by: "me", reason: "release", ttl: 60) { |flag| paused(db, flags, flag, change) }
        assert_equal 32, token.size
        assert_equal :cleared, flags.state
        assert_equal 1, Mtdb::Retry.run(200) { db.value("SELECT 1", tenant: "a") } # seen within refresh_ms
        assert_raises(Mtdb::NotFoundError) { flags.clear }
        flags.close
      end
    end
  end

  def paused(db, flags, flag, change)
    assert_equal 60.0, flag.granted
    assert_equal :active, flags.watch(since: change, timeout: 5).state
    assert_equal(["parked"], flags.wait_parked(timeout: 10).map { |row| row[:state] })
    assert_raises(Mtdb::TenantQuiesced) { db.value("SELECT 1", tenant: "a") }
    assert_equal([["me", "release"]], flags.query.map { |row| row.values_at(:set_by, :reason) })
    assert_raises(Mtdb::ExistsError) { flags.set }
    assert_in_delta 30, flags.renew(ttl: 30), 0.1
    flag.token
  end
end
