# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# An atlas with one tenant per country: ISO 3166-1 makes the tenants, ISO 3166-2 their data. Creates, migrates, loads
# and reads them all, shows that none reaches another's rows, then brings every tenant up to a second release.
#
# Usage: atlas.rb URL [DATA [SCRIPTS]]
#   URL      where the tenants live: an existing folder, or what Mtdb.open takes
#   DATA     the folder of iso_3166-1.json and iso_3166-2.json (Debian package iso-codes)
#   SCRIPTS  the folder with release-1/ and release-2/ in it

require "json"
require "mtdb"

READERS = 4

# The countries of the world, each in its own tenant.
class Atlas
  def initialize(db, data, scripts)
    @db = db
    @scripts = scripts
    read = ->(part) { JSON.parse(File.read(File.join(data, "iso_#{part}.json")), symbolize_names: true)[part.to_sym] }
    @countries = read["3166-1"].to_h { |country| [country[:alpha_2].downcase, country] }
    @subdivisions = read["3166-2"].group_by { |each| each[:code][0, 2].downcase }
  end

  def run
    created = @countries.keys.reject { |id| @db.tenants.exist?(id) }.each { |id| @db.tenants.create(id) }
    puts "#{@countries.size} countries, #{created.size} new tenants"
    puts "release 1: #{migrate("release-1")} scripts applied"
    puts "loaded #{@countries.keys.sum { |id| load(id) }} subdivisions"
    puts "read #{read_all} subdivisions back in #{READERS} threads, each in its own country"
    show_isolation
    second_release
    %w[fr jp].each { |id| puts "  #{id}: #{kinds(id)}" }
    figures = @db.stats.reject { |_name, value| value.zero? }
    puts "the pool's figures", figures.map { |name, value| format("  %-28s %10d", name, value) }
  end

  private

  def migrator(folder) = @db.migrator(source: File.join(@scripts, folder), newer: true)

  # One verb of the migrator over all tenants; the first failure is raised.
  def over_all(verb, folder)
    migrator(folder).run(verb, "latest", workers: 4).each { |row| raise row[:error] if row[:error] }
  end

  def migrate(folder) = over_all("migrate", folder).sum { |row| row[:applied] }

  def load(id)
    country = @countries[id]
    rows = @subdivisions.fetch(id, []).map { |each| each.values_at(:code, :name, :type, :parent) }
    @db.transaction(id) do |t|
      t.exec("DELETE FROM subdivision")
      t.exec("DELETE FROM country")
      t.exec("INSERT INTO country (code, name) VALUES (?, ?)", country[:alpha_2], country[:name])
      t.exec_many("INSERT INTO subdivision (code, name, kind, parent) VALUES (?, ?, ?, ?)", rows)
    end
  end

  def read_all
    countries = Queue.new(@countries.keys).close
    readers = Array.new(READERS) do
      Thread.new { Array.new(countries.size) { (id = countries.pop) ? read(id) : 0 }.sum }
    end
    readers.sum(&:value)
  end

  def read(id)
    Mtdb.with_tenant(id) do
      codes = @db.rows("SELECT code FROM subdivision").flatten
      raise "a stranger in #{id}" unless codes.all? { |code| code.start_with?(id.upcase) }

      codes.size
    end
  end

  def show_isolation
    @db.tenant("fr") do |t|
      raise "a stranger in fr" unless t.value("SELECT count(*) FROM country") == 1

      ["ATTACH DATABASE 'de.db' AS de", "SELECT name FROM de.country"].each do |sql|
        t.query(sql).close
        puts "in fr, #{sql}: the server answered, all tenants share one login"
      rescue Mtdb::Error => e
        puts "in fr, #{sql}: #{e.message}"
      end
    end
  end

  # A release is a further folder: the scripts before it stay as they were.
  def second_release
    puts "release 2: #{over_all("status", "").count { |row| row[:state] == "outdated" }} tenants behind"
    puts "release 2: #{migrate("")} scripts applied"
    raise "a tenant is behind" if over_all("status", "").any? { |row| row[:state] == "outdated" }
  end

  def kinds(id)
    rows = @db.query("SELECT name, subdivisions FROM kind ORDER BY subdivisions DESC", tenant: id)
    rows.map { |name, count| "#{count} x #{name}" }.join("; ")
  end
end

url, data, scripts = ARGV
abort "usage: atlas.rb URL [DATA [SCRIPTS]]" unless url
# A quarter of the world at a time.
Mtdb.open(url, placeholders: "portable", pool_tenants_max: 64) do |db|
  Atlas.new(db, data || "/usr/share/iso-codes/json", scripts || File.join(__dir__, "../atlas/migrations")).run
end
puts "the atlas is complete: every country in its own tenant"
