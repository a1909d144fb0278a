# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require_relative "helper"

class TenantsTest < MtdbTest
  def test_the_life_of_a_tenant
    open_db do |db|
      db.exec("CREATE TABLE t(a)", tenant: "a")
      db.tenants.copy("a", "c")
      assert_raises(Mtdb::NotImplementedError) { db.tenants.rename("c", "d") } # files cannot, schemas can
      assert_equal %w[a c], db.tenants.sort
      assert_equal [true, false], [db.tenants.exist?("c"), db.tenants.include?(:b)]
      assert_equal 0, db.value("SELECT count(*) FROM t", tenant: "c")
      db.tenants.ping("c").drop("c")
      assert_equal %w[a], db.tenants.to_a
      db.tenant("a") { assert_raises(Mtdb::BusyError) { db.tenants.drop("a") } }
    end
  end

  def test_two_tenants_do_not_see_each_other
    open_db do |db|
      db.tenants.create("b")
      db.tenant("a") do |a|
        a.exec("CREATE TABLE t(v)")
        a.exec("INSERT INTO t VALUES ('of a')")
        db.tenant("b") do |b|
          assert_raises(Mtdb::SqlError) { b.value("SELECT v FROM t") }
          assert_raises(Mtdb::AuthError) { b.exec("ATTACH 'a.db' AS a") }
        end
      end
      assert_equal "of a", db.value("SELECT v FROM t", tenant: "a")
    end
  end

  def test_a_scope_keeps_its_tenant_whatever_becomes_of_the_string
    open_db do |db|
      db.tenants.create("b")
      %w[a b].each { |id| db.tenant(id) { |t| t.script("CREATE TABLE me(id); INSERT INTO me VALUES ('#{id}')") } }
      id = +"a"
      Mtdb.with_tenant(id) do
        id.replace("b")
        assert_equal ["a", "a"], [Mtdb.current_tenant, db.value("SELECT id FROM me")]
        Mtdb.with_tenant(:b) { assert_equal "b", db.value("SELECT id FROM me") }
        Mtdb.with_tenant(nil) { assert_raises(Mtdb::InvalidArgumentError) { db.value("SELECT id FROM me") } }
        assert_nil Fiber.new { Mtdb.current_tenant }.resume
        assert_raises(IOError) { Mtdb.with_tenant("b") { raise IOError } }
        assert_equal "a", db.value("SELECT id FROM me")
      end
    end
  end

  def test_a_lease_is_bound_to_others_for_a_block
    open_db do |db|
      db.tenants.create("b")
      db.tenant("a") do |lease|
        seen = lease.use("b") { [lease.tenant, lease.current_tenant] }
        assert_equal [%w[b b], "a"], [seen, lease.tenant]
        assert_raises(Mtdb::TenantNotFound) { lease.use("ghost") }
        assert_equal "a", lease.reset.tenant
      end
    end
  end

  def test_a_hold_keeps_leases_out_until_its_end
    open_db do |db|
      db.tenants.hold("a", refuse: true) do
        assert_raises(Mtdb::TenantQuiesced) { db.value("SELECT 1", tenant: "a") }
      end
      assert_equal 1, db.value("SELECT 1", tenant: "a")
      db.tenants.hold("a")
      waiting = Thread.new { db.value("SELECT 2", tenant: "a") }
      sleep 0.05
      db.tenants.resume("a")
      assert_equal 2, waiting.value
    end
  end

  def test_a_resolver_is_an_ordinary_block
    asked = []
    resolver = lambda do |id|
      asked << id
      raise IOError, "no directory" if id == "broken"

      "eu/#{id}.db" unless id == "ghost"
    end
    Dir.mktmpdir("mtdb-ruby-") do |folder|
      Dir.mkdir(File.join(folder, "eu"))
      Mtdb.open("sqlite:#{folder}", resolver: resolver) { |db| ask(db, asked) }
      assert_path_exists File.join(folder, "eu", "a.db")
    end
  end

  def ask(db, asked)
    db.tenants.create("a")
    assert_equal [1] * 20, Array.new(20) { Thread.new { db.value("SELECT 1", tenant: "a") } }.map(&:value)
    db.tenant("a") { |lease| assert_equal "a", lease.tenant }
    assert_equal 1, asked.count("a")
    error = assert_raises(Mtdb::TenantNotFound) { db.value("SELECT 1", tenant: "ghost") }
    assert_equal "ghost", error.tenant
    assert_raises(IOError) { db.value("SELECT 1", tenant: "broken") }
    assert_raises(Mtdb::NotImplementedError) { db.tenants.to_a }
  end

  def test_a_resolver_may_ask_the_db_itself
    registry = Mtdb.open("sqlite::memory:", "tenant.create": "on_first_use")
    registry.exec("CREATE TABLE route(id, place)", tenant: "registry")
    registry.exec("INSERT INTO route VALUES ('a', 'x.db')", tenant: "registry")
    find = ->(id) { registry.value("SELECT place FROM route WHERE id = ?", id, tenant: "registry") }
    Dir.mktmpdir("mtdb-ruby-") do |folder|
      Mtdb.open("sqlite:#{folder}", resolver: find) do |db|
        db.tenants.create("a")
        assert_equal 1, db.value("SELECT 1", tenant: "a")
      end
    end
  ensure
    registry.close
  end

  def test_figures_and_events
    open_db do |db|
      db.value("SELECT 1", tenant: "a")
      assert_operator db.stats.fetch("leases.acquired"), :>=, 1
      assert_operator db.tenants.stats("a").fetch("leases.acquired"), :>=, 1
      assert_equal(["a"], db.pool_stats.map { |pool| pool[:pool] })
      event = db.events.find { |each| each.name == "tenant.created" }
      assert_equal ["a", "audit", {}], [event.tenant, event.kind, event.fields]
      assert_kind_of Time, event.at
      assert_empty db.events.to_a
      later = Thread.new { db.events(wait: 5).first }
      sleep 0.05
      db.tenants.create("b")
      assert_equal "b", later.value.tenant
      assert db.maintain
    end
  end
end
