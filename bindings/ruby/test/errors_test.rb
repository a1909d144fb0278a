# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require_relative "helper"

class ErrorsTest < MtdbTest
  def test_the_table_has_every_status_of_the_library
    Mtdb::Errors::BY_STATUS.each do |status, (name, _type)|
      text = Mtdb::Call.text { |capacity| Mtdb::Call::Raw.mtdb_status_text(status, capacity) }
      assert_equal text, name.to_s
    end
    beyond = Mtdb::Call.text { |capacity| Mtdb::Call::Raw.mtdb_status_text(-1 - Mtdb::Errors::TABLE.size, capacity) }
    assert_equal "UNKNOWN", beyond
  end

  def test_every_status_arrives_as_its_class
    open_lease("echo:") do |lease|
      Mtdb::Errors::TABLE.each do |name, type|
        error = assert_raises(type) { lease.value("fail #{name} 'said so'") }
        assert_equal [name, "said so", type, 5], [error.code, error.message, error.class, error.sqlstate.size]
        assert_kind_of Mtdb::Error, error
      end
    end
  end

  def test_the_classes_are_the_languages_own_where_it_has_them
    assert_operator Mtdb::InvalidArgumentError, :<, ArgumentError
    assert_operator Mtdb::TimeoutError, :<, Timeout::Error
    assert_operator Mtdb::MisuseError, :<, ThreadError
    assert_operator Mtdb::NoMemoryError, :<, NoMemoryError
  end

  def test_an_unknown_status_is_the_base_with_its_number
    error = Mtdb::Errors.build(-9999, message: "new")
    assert_equal [Mtdb::DatabaseError, -9999, :UNKNOWN], [error.class, error.status, error.code]
  end

  def test_an_error_has_its_place_and_effect
    open_lease do |lease|
      error = assert_raises(Mtdb::SqlError) { lease.script("SELECT 1;\nSELECT nothing_here;") }
      assert_equal [2, 2, :none, false, "sqlite"],
                   [error.statement, error.line, error.effect, error.retryable?, error.engine]
      lease.exec("CREATE TABLE t(a UNIQUE)")
      error = assert_raises(Mtdb::ConstraintError) { lease.exec_many("INSERT INTO t VALUES (?)", [[1], [1]]) }
      assert_equal ["23505", 2067], [error.sqlstate, error.native_code]
      error = assert_raises(Mtdb::ConnectionError) { raise Mtdb::Errors.build(-14, effect: 3, message: "x") }
      assert_equal :unknown, error.effect
    end
  end

  def test_errors_of_tenants_name_them
    open_db do |db|
      error = assert_raises(Mtdb::TenantNotFound) { db.value("SELECT 1", tenant: "ghost") }
      assert_equal ["ghost", "3D000"], [error.tenant, error.sqlstate]
      assert_raises(Mtdb::ExistsError) { db.tenants.create("a") }
      assert_raises(Mtdb::InvalidArgumentError) { db.tenants.check("../a") }
    end
  end
end
