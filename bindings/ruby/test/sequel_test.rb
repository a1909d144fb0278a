# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require_relative "helper"
$VERBOSE = nil # Sequel's own files have warnings
require "sequel"
$VERBOSE = true

# Schemas, datasets and transactions through Sequel's API, over each database: SQLite always, the servers of the
# environment (tests/servers) when MTDB_TEST_SERVERS is set.
module SequelCases
  TENANTS = %w[seqa seqb].freeze

  def setup
    @folder = Dir.mktmpdir("mtdb-ruby-")
    @mtdb = Mtdb.open(url)
    remove_tenants
    TENANTS.each { |id| @mtdb.tenants.create(id) }
    @db = connect
  end

  def teardown
    assert_equal 0, @mtdb.pool_stats.sum { |pool| pool[:leased] }, "a lease stayed out"
    remove_tenants
    @mtdb.close
    FileUtils.remove_entry(@folder)
  end

  def connect(**options) = Sequel.connect(adapter: "mtdb", mtdb: @mtdb, keep_reference: false, **options)
  def remove_tenants = TENANTS.each { |id| @mtdb.tenants.drop(id) if @mtdb.tenants.exist?(id) }
  def in_tenant(id = "seqa", &block) = Mtdb.with_tenant(id, &block)

  def make_items
    @db.create_table(:items) do
      primary_key :id
      String :name, null: false, unique: true
      Float :price
      Date :made
      DateTime :at
      TrueClass :sold
      File :image
      BigDecimal :amount, size: [10, 2]
      Time :opens, only_time: true
    end
    @db[:items]
  end

  def test_a_schema_is_made_read_and_changed
    in_tenant do
      make_items
      types = @db.schema(:items).to_h { |name, column| [name, column[:type]] }
      assert_equal({ id: :integer, name: :string, price: :float, made: :date, at: :datetime, sold: :boolean,
                     image: :blob, amount: :decimal, opens: :time }, types)
      assert_equal [:items], @db.tables
      @db.alter_table(:items) do
        add_column :extra, Integer, default: 5
        rename_column :price, :cost
        drop_column :amount
        add_index :cost, name: :items_by_cost
      end
      assert_equal %i[id name cost made at sold image opens extra], @db[:items].columns
      assert_equal [:cost], @db.indexes(:items).fetch(:items_by_cost)[:columns]
      @db.create_table(:parts) { foreign_key :item_id, :items }
      assert_equal [[[:item_id], :items]], @db.foreign_key_list(:parts).map { |key| key.values_at(:columns, :table) }
      @db.create_view(:cheap, @db[:items].where { cost < 10 })
      assert_equal [:cheap], @db.views
      @db.drop_view(:cheap)
      @db.drop_table(:parts, :items)
      assert_equal [], @db.tables
    end
  end

  def test_every_value_comes_back_as_sequel_has_it
    in_tenant do
      at = Time.at(1_700_000_000, 123_456, :usec)
      values = { name: "grün 😀 'quoted' \\", price: 1.5, made: Date.new(2024, 2, 29), at: at, sold: true,
                 image: Sequel.blob("\x00\xFF'\\".b), amount: BigDecimal("-1.25"),
                 opens: Sequel::SQLTime.create(13, 1, 2) }
      id = make_items.insert(values)
      row = @db[:items].first(id: id)
      assert_in_delta 0, row.delete(:at) - at, 1
      assert_equal values.except(:at, :opens), row.except(:id, :opens)
      assert_equal "13:01:02", row[:opens].strftime("%H:%M:%S")
      assert_kind_of Sequel::SQL::Blob, row[:image]
      @db[:items].insert(name: "empty")
      assert_equal [nil], @db[:items].where(name: "empty").first.except(:id, :name).values.uniq
      row[:name] << " may be changed"
    end
  end

  def test_datasets
    in_tenant do
      items = make_items
      assert_equal [1, 2], [items.insert(name: "a", price: 1), items.insert(name: "b", price: 2)]
      items.multi_insert([{ name: "c", price: 3 }, { name: "d", price: nil }])
      assert_equal 4, items.count
      assert_equal 6.0, items.sum(:price)
      assert_equal %w[b c], items.where(price: 2..3).select_order_map(:name)
      assert_equal 2, items.where { price < 3 }.update(price: Sequel[:price] + 10)
      assert_equal [11.0, 12.0], items.exclude(price: nil).where { price > 10 }.order(:id).select_map(:price)
      assert_equal 1, items.where(name: "d").delete
      assert_equal [["a", 1], ["b", 2]], items.order(:name).limit(2).select_map(%i[name id])
      assert_equal 1, items.where(name: :$n).call(:select, n: "c").size
      assert_equal "c", items.where(name: :$n).prepare(:first, :by_name).call(n: "c")[:name]
      assert_equal %w[a b c], items.order(:id).paged_each(rows_per_fetch: 1).map { |row| row[:name] }
      assert_equal "a", @db[:items].join(Sequel[:items].as(:other), id: :id).order(Sequel[:other][:id]).first[:name]
      assert_nil items.where(name: "none").first
    end
  end

  def test_rows_are_left_early
    in_tenant do
      make_items.import([:name], Array.new(500) { |i| ["n#{i}"] })
      assert_equal(1, @db[:items].each { |_row| break 1 })
      assert_raises(RuntimeError) { @db[:items].each { raise "stop" } }
      assert_equal 500, @db[:items].all.size
    end
  end

  def test_models
    in_tenant do
      make_items
      model = Class.new(Sequel::Model(@db[:items]))
      item = model.create(name: "one", price: 1)
      item.update(price: 2.5)
      assert_equal [2.5, 1], [model[item.id].price, model.count]
      item.destroy
      assert_equal 0, model.count
    end
  end

  def names = @db[:items].select_order_map(:name)

  def test_transactions_and_savepoints
    in_tenant do
      items = make_items
      @db.transaction { items.insert(name: "kept") }
      @db.transaction { items.insert(name: "undone") && raise(Sequel::Rollback) }
      assert_raises(RuntimeError) { @db.transaction { items.insert(name: "lost") && raise("no") } }
      @db.transaction do
        items.insert(name: "outer")
        @db.transaction(savepoint: true) { items.insert(name: "inner") && raise(Sequel::Rollback) }
        @db.transaction(savepoint: true) { items.insert(name: "saved") }
        @db.transaction { assert @db.in_transaction? }
      end
      assert_equal %w[kept outer saved], names
      refute @db.in_transaction?
      hooks = []
      @db.transaction { @db.after_commit { hooks << :committed } }
      @db.transaction(rollback: :always) { @db.after_rollback { hooks << :rolled_back } && items.insert(name: "never") }
      assert_equal [%i[committed rolled_back], 3], [hooks, items.count]
      @db.transaction(isolation: :serializable) { assert_equal 3, items.count }
      assert_raises(Sequel::DatabaseError) { @db.transaction(read_only: true) { items.insert(name: "no") } }
    end
  end

  def left_by_return(items) = @db.transaction { return items.insert(name: "returned") }

  def test_a_timeout_or_a_throw_rolls_back
    in_tenant do
      items = make_items
      assert_raises(Timeout::Error) { Timeout.timeout(0.1) { @db.transaction { items.insert(name: "late") && sleep } } }
      catch(:out) { @db.transaction { items.insert(name: "thrown") && throw(:out) } }
      @db.transaction do
        catch(:out) { @db.transaction(savepoint: true) { items.insert(name: "inner") && throw(:out) } }
        items.insert(name: "outer")
      end
      left_by_return(items)
      @db.transaction { items.insert(name: "broken off") && break }
      assert_equal ["broken off", "outer", "returned"], names
    end
  end

  def test_a_failure_is_sequels_own
    in_tenant do
      items = make_items
      items.insert(name: "a")
      error = assert_raises(Sequel::UniqueConstraintViolation) { items.insert(name: "a") }
      assert_kind_of Mtdb::ConstraintError, error.wrapped_exception
      assert_raises(Sequel::NotNullConstraintViolation) { items.insert(name: nil) }
      @db.create_table(:parts) { foreign_key :item_id, :items }
      assert_raises(Sequel::ForeignKeyConstraintViolation) { @db[:parts].insert(item_id: 99) }
      assert_raises(Sequel::DatabaseError) { @db["SELECT nonsense FROM nowhere"].all }
      @db.transaction do
        again = -> { @db.transaction(savepoint: true) { items.insert(name: "a") } }
        assert_raises(Sequel::UniqueConstraintViolation, &again)
        items.insert(name: "b")
      end
      assert_equal %w[a b], names
    end
  end

  def test_two_tenants_at_once_do_not_see_each_other
    TENANTS.each { |id| in_tenant(id) { make_items } }
    threads = TENANTS.flat_map { |id| [id] * 4 }.each_with_index.map do |id, i|
      Thread.new { in_tenant(id) { fill(id, i) } }
    end
    assert_equal [0] * 8, threads.map(&:value)
    TENANTS.each { |id| in_tenant(id) { assert_equal 100, @db[:items].where(Sequel.like(:name, "#{id}%")).count } }
    in_tenant("seqa") do
      of_b = @db.transaction { in_tenant("seqb") { @db[:items].select_map(:name) } }
      assert_equal ["seqb"], of_b.map { |name| name[0, 4] }.uniq
    end
  end

  def test_a_lease_that_was_turned_to_another_tenant_serves_no_other_calls
    TENANTS.each { |id| in_tenant(id) { make_items.insert(name: "of #{id}") } }
    in_tenant("seqa") do
      @db.synchronize do |lease|
        lease.use("seqb") { assert_equal ["of seqa"], names }
        assert_equal ["of seqa"], names
        @db.synchronize { |again| assert_same lease, again }
      end
    end
    name = +"seqa"
    bound = connect(tenant: name)
    name.replace("seqb")
    assert_equal ["of seqa"], bound[:items].select_map(:name)
  end

  # How many names of others this thread met.
  def fill(id, thread)
    Array.new(25) do |i|
      @db.transaction { @db[:items].insert(name: "#{id}-#{thread}-#{i}") }
      @db[:items].select_map(:name).count { |name| !name.start_with?(id) }
    end.sum
  end

  def test_a_db_of_one_tenant_and_one_without
    bound = connect(tenant: "seqb")
    bound.create_table(:only_b) { primary_key :id }
    in_tenant("seqa") { assert_equal [[], [:only_b]], [@db.tables, bound.tables] }
    assert_raises(Mtdb::InvalidArgumentError) { @db.tables }
    error = assert_raises(Sequel::DatabaseError) { connect(tenant: "ghost")["SELECT 1"].all }
    assert_kind_of Mtdb::TenantNotFound, error.wrapped_exception
    refute_match(/secret/, [@db, bound].inspect)
  end
end

class SequelOverSqliteTest < MtdbTest
  include SequelCases

  def url = "sqlite:#{File.realpath(@folder)}"
end

if ENV["MTDB_TEST_SERVERS"]
  class SequelOverPostgresTest < MtdbTest
    include SequelCases

    def url = ENV.fetch("MTDB_TEST_POSTGRES")
  end

  class SequelOverMysqlTest < MtdbTest
    include SequelCases

    def url = ENV.fetch("MTDB_TEST_MYSQL")
  end
end
