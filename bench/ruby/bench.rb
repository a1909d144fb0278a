# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# Usage: bench.rb [ruby_scan] [ruby_point] [crossings]     (none: all)
# The gem beside the gems sqlite3, pg and mysql2: the same file or server, the same query, every column of every row
# read as Ruby's own type. Servers: those of tests/servers/run. One JSON object per case.

require "mtdb"
require "mysql2"
require "pg"
require "sqlite3"
require "tmpdir"
require "uri"
require_relative "harness"

# What ours and the peer read from: one tenant's table of 100,000 rows, and the same small one in 100 tenants.
class Place
  ROWS = 100_000
  TENANTS = Array.new(100) { |i| "bench#{i}" }.freeze
  SCAN = "SELECT id, price, name FROM item"

  attr_reader :name, :db, :peer

  def initialize(name, url)
    @name = name
    @db = Mtdb.open(url, statement_cache: 1000, placeholders: "portable")
    TENANTS.each { |id| fill(id, id == TENANTS.first ? ROWS : 100) }
  end

  def close
    TENANTS.each { |id| @db.tenants.drop(id) }
    @db.close
  end

  # The reading is the same on both sides: three columns, each looked at.
  def self.sum(rows)
    ids = prices = names = 0
    rows.each do |id, price, name|
      ids += id
      prices += price
      names += name.bytesize
    end
    [ids, prices, names]
  end

  def scan = @db.tenant(TENANTS.first) { |t| Place.sum(t.query(SCAN)) }

  def points(count)
    Array.new(count) do |i|
      Mtdb.with_tenant(TENANTS[i * 37 % 100]) { @db.first("SELECT id, price, name FROM item WHERE id = ?", i % 100) }
    end
  end

  # The same with the leases of a block: what a request does that reads more than once.
  def leased_points(count)
    Array.new(count) do |i|
      @db.tenant(TENANTS[i * 37 % 100]) { |t| t.first("SELECT id, price, name FROM item WHERE id = ?", i % 100) }
    end
  end

  private

  def fill(id, rows)
    @db.tenants.drop(id) if @db.tenants.exist?(id)
    @db.tenants.create(id)
    @db.tenant(id) do |t|
      t.exec("CREATE TABLE item(id BIGINT PRIMARY KEY, price DOUBLE PRECISION, name VARCHAR(16))")
      data = Array.new(rows) { |i| [i, i * 0.25, format("name%012d", i)] }
      t.transaction { data.each_slice(5000) { |some| t.exec_many("INSERT INTO item VALUES (?, ?, ?)", some) } }
    end
  end
end

# The gem sqlite3, with a Database per tenant.
class SqlitePeer
  def initialize(folder)
    @dbs = Place::TENANTS.to_h { |id| [id, SQLite3::Database.new(File.join(folder, "#{id}.db"))] }
  end

  def scan
    sums = nil
    @dbs[Place::TENANTS.first].query(Place::SCAN) { |rows| sums = Place.sum(rows) }
    sums
  end

  def point(tenant, id) = @dbs[tenant].get_first_row("SELECT id, price, name FROM item WHERE id = ?", id)
end

# The gem pg: one connection; a tenant is chosen by hand.
class PostgresPeer
  def initialize(url)
    @conn = PG.connect(url)
    @conn.type_map_for_results = PG::BasicTypeMapForResults.new(@conn)
  end

  def scan
    @conn.exec("SET search_path = #{Place::TENANTS.first}")
    Place.sum(@conn.exec(Place::SCAN).each_row)
  end

  def point(tenant, id)
    @conn.exec("SET search_path = #{tenant}")
    row = @conn.exec_params("SELECT id, price, name FROM item WHERE id = $1", [id]).values.first
    @conn.exec("RESET search_path")
    row
  end
end

# The gem mysql2: one connection; a tenant is chosen by hand.
class MysqlPeer
  def initialize(url)
    uri = URI(url)
    socket = URI.decode_www_form(uri.query).to_h.fetch("socket")
    @client = Mysql2::Client.new(username: uri.user, password: uri.password, socket: socket)
  end

  def scan
    @client.select_db(Place::TENANTS.first)
    Place.sum(@client.query(Place::SCAN, as: :array, cache_rows: false))
  end

  def point(tenant, id)
    @client.select_db(tenant)
    @client.query("SELECT id, price, name FROM item WHERE id = #{id}", as: :array).first
  end
end

SCAN_REACH = { "sqlite" => 1.5, "postgres" => 1.0, "mysql" => 1.0 }.freeze

def scan(place, peer)
  ours, theirs = Bench.in_turns(15, -> { place.scan }, -> { peer.scan })
  per_row = ->(milliseconds) { milliseconds * 1e6 / Place::ROWS }
  Bench.print_case("ruby_scan", "#{place.name}, 100,000 rows, beside its gem", "ns/row", per_row[ours],
                   per_row[theirs], theirs / ours, [:at_least, SCAN_REACH.fetch(place.name)])
end

def point(place, peer, count = 2000)
  theirs = -> { Array.new(count) { |i| peer.point(Place::TENANTS[i * 37 % 100], i % 100) } }
  figures = { "one-shot calls, the tenant from its scope" => -> { place.points(count) },
              "a lease each" => -> { place.leased_points(count) },
              "one-shot calls on a thread of their own" => -> { Thread.new { place.points(count) }.value } }
  figures.each do |text, ours|
    mine, other = Bench.in_turns(7, ours, theirs)
    Bench.print_case("ruby_point", "#{place.name}, 100 tenants, #{text}", "us", mine * 1000 / count,
                     other * 1000 / count, mine / other)
  end
end

def crossings(place)
  before = Mtdb::Native.library_calls
  rows = place.db.tenant(Place::TENANTS.first) { |t| t.query("#{Place::SCAN} WHERE id < 1000").count }
  lease = 2 # borrowing and giving back
  calls = Mtdb::Native.library_calls - before - lease
  Bench.print_case("crossings", "ruby, #{place.name}, #{rows} rows", "calls", calls, 4, calls / 4.0, [:at_most, 1.0])
end

def over(place, peer, names)
  scan(place, peer) if names.include?("ruby_scan")
  point(place, peer) if names.include?("ruby_point")
  crossings(place) if names.include?("crossings")
ensure
  place.close
end

NAMES = %w[ruby_scan ruby_point crossings].freeze
names = ARGV.empty? ? NAMES : ARGV
abort "bench: Ruby has no benchmark '#{(names - NAMES).first}'" unless (names - NAMES).empty?
abort "bench: no servers: tests/servers/run" unless ENV["MTDB_TEST_SERVERS"]
Dir.mktmpdir("mtdb-bench-") do |folder|
  place = Place.new("sqlite", "sqlite:#{folder}")
  over(place, SqlitePeer.new(folder), names)
end
postgres, mysql = ENV.values_at("MTDB_TEST_POSTGRES", "MTDB_TEST_MYSQL")
over(Place.new("postgres", postgres), PostgresPeer.new(postgres), names)
over(Place.new("mysql", mysql), MysqlPeer.new(mysql), names)
