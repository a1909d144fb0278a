# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require_relative "helper"

# The keywords are made from what mtdb_options_describe() says: each is proved to reach its option.
class OptionsTest < MtdbTest
  SCOPES = %i[db migrator fleet quiesce lease tx run driver].freeze

  def sample(option)
    case option.type
    when "boolean" then !option.default
    when "integer" then option.default.to_i + 1
    when "choice" then (option.values - [option.default]).first
    else "5"
    end
  end

  def read_back(handle, key)
    Mtdb::Call.text { |capacity| Mtdb::Call::Raw.mtdb_options_get(handle, key, capacity) }
  end

  def test_every_option_has_one_keyword_in_each_of_its_scopes
    assert_operator Mtdb::Options.known.size, :>, 100
    SCOPES.each do |scope|
      options = Mtdb::Options.known.select { |option| option.scopes.include?(scope) }
      refute_empty options, scope
      assert_equal options.size, Mtdb::Options.keywords(scope).size, "two options of #{scope} share a keyword"
    end
    assert_empty Mtdb::Options.known.flat_map(&:scopes).uniq - SCOPES
  end

  def test_every_keyword_sets_its_option
    SCOPES.each do |scope|
      Mtdb::Options.keywords(scope).each do |keyword, option|
        value = sample(option)
        given = option.family ? { "x" => value } : value
        handle = Mtdb::Options.handle(scope, keyword => given)
        got = read_back(handle, option.key.sub("<id>", "x"))
        assert_equal option.secret ? "***" : value.to_s, got, "#{scope}: #{keyword}"
      end
    end
  end

  def test_names_as_the_library_spells_them_are_taken_too
    handle = Mtdb::Options.handle(:db, "pool.size_max": 3, "tenant.create" => "on_first_use", pool_idle_max: nil)
    assert_equal %w[3 on_first_use], [read_back(handle, "pool.size_max"), read_back(handle, "tenant.create")]
  end

  def test_a_wrong_keyword_is_refused_with_the_nearest
    error = assert_raises(ArgumentError) { Mtdb.open("echo:", pool_size_maxx: 1) }
    assert_match(/pool\.size_max/, error.message)
    open_db("echo:") do |db|
      error = assert_raises(ArgumentError) { db.migrator(sourse: "x") }
      assert_match(/migrate\.source/, error.message)
      assert_raises(ArgumentError) { db.tenant("a", tga: "x") { flunk } }
      assert_raises(ArgumentError) { Mtdb.open("echo:", pool_size_max: "many") }
    end
  end

  def test_a_family_takes_a_hash
    Dir.mktmpdir("mtdb-ruby-") do |folder|
      Mtdb.open("sqlite:#{folder}", tenant_routes: "map", tenant_map: { "a" => "first.db" }) do |db|
        db.tenants.create("a")
        assert_path_exists File.join(folder, "first.db")
        assert_raises(Mtdb::TenantNotFound) { db.tenants.create("b") }
      end
    end
  end
end
