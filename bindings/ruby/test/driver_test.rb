# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require_relative "helper"

# golang-migrate's contract of a database driver.
class DriverTest < MtdbTest
  def open_driver(**options)
    Dir.mktmpdir("mtdb-ruby-") do |folder|
      url = "sqlite3://#{File.realpath(folder)}/app.db"
      Mtdb::Driver.open(url, **options) { |driver| yield driver, url }
    end
  end

  def test_a_migration_by_hand
    open_driver do |driver|
      assert_equal [nil, false], driver.version
      assert_equal(:done, driver.locked do
        driver.set_version(1, dirty: true).run("CREATE TABLE t(a); INSERT INTO t VALUES (1)").set_version(1)
        :done
      end)
      assert_equal [1, false], driver.version
      driver.set_version(7, dirty: true)
      assert_equal [7, true], driver.version
      driver.set_version(nil)
      assert_equal [nil, false], driver.version
    end
  end

  def test_one_lock_at_a_time_and_it_ends_with_the_block
    open_driver do |driver, url|
      Mtdb::Driver.open(url) do |other|
        assert_raises(IOError) do
          driver.locked do
            error = assert_raises(Mtdb::Error) { other.lock(timeout: 0) }
            assert_includes %i[MIGRATION_LOCKED BUSY TIMEOUT], error.code
            raise IOError
          end
        end
        other.lock.unlock
      end
    end
  end

  def test_a_driver_of_a_lease_leaves_the_lease
    open_lease do |lease|
      Mtdb::Driver.of(lease, table: "steps") { |driver| driver.run("CREATE TABLE t(a)").set_version(3) }
      assert_equal [[3, 0]], lease.rows("SELECT version, dirty FROM steps")
      driver = Mtdb::Driver.of(lease, table: "steps")
      assert_equal [3, false], driver.version
      driver.drop
      assert_nil driver.close
      assert driver.closed?
      assert_nil driver.close
      assert_raises(Mtdb::ClosedError) { driver.version }
      assert_equal 0, lease.value("SELECT count(*) FROM sqlite_schema WHERE name = 't'")
    end
  end

  def test_failures_say_where
    open_driver do |driver|
      error = assert_raises(Mtdb::Error) { driver.run("CREATE TABLE t(a);\nCREATE TABEL u(a)") }
      assert_equal 2, error.line
      assert_raises(Mtdb::NotImplementedError) { Mtdb::Driver.open("nothing://here") }
      assert_raises(ArgumentError) { Mtdb::Driver.open("sqlite3://x", tabel: "t") }
      assert_raises(NoMethodError) { Mtdb::Driver.new }
      assert_equal "#<Mtdb::Driver>", driver.inspect
    end
  end
end
