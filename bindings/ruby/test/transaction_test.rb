# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require_relative "helper"

class TransactionTest < MtdbTest
  def setup_table(lease) = lease.exec("CREATE TABLE t(a UNIQUE)")
  def count(lease) = lease.value("SELECT count(*) FROM t")

  def insert_and(lease, value, &leave)
    lease.transaction do |tx|
      tx.exec("INSERT INTO t VALUES (?)", value)
      leave.call
    end
  end

  def left_by_return(lease) = lease.transaction { |tx| return tx.exec("INSERT INTO t VALUES (100)") }

  def test_how_a_block_is_left_decides
    open_lease do |lease|
      setup_table(lease)
      assert_equal :value, insert_and(lease, 1) { :value }
      lease.transaction { |tx| break tx.exec("INSERT INTO t VALUES (2)") }
      lease.transaction { |tx| next tx.exec("INSERT INTO t VALUES (3)") }
      assert_equal 1, left_by_return(lease)
      assert_equal 4, count(lease)
      assert_raises(RuntimeError) { insert_and(lease, 10) { raise "no" } }
      assert_nil(insert_and(lease, 11) { raise Mtdb::Rollback })
      catch(:out) { insert_and(lease, 12) { throw :out } }
      assert_raises(Timeout::Error) { Timeout.timeout(0.05) { insert_and(lease, 13) { sleep } } }
      assert_equal [4, :none], [count(lease), lease.transaction_state]
    end
  end

  def test_the_end_of_a_thread_rolls_back
    open_db do |db|
      db.tenant("a") { |lease| setup_table(lease) }
      inside = Queue.new
      thread = Thread.new do
        db.tenant("a") { |lease| insert_and(lease, 1) { inside << true; sleep } }
      end
      inside.pop
      thread.kill.join
      assert_equal 0, db.value("SELECT count(*) FROM t", tenant: "a")
      assert_equal 0, db.pool_stats.sum { |pool| pool[:leased] }
    end
  end

  def test_a_commit_that_fails_leaves_no_transaction
    open_lease do |lease|
      lease.script("CREATE TABLE p(id INTEGER PRIMARY KEY);
                    CREATE TABLE c(p INTEGER REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED)")
      assert_raises(Mtdb::ConstraintError) { lease.transaction { |tx| tx.exec("INSERT INTO c VALUES (1)") } }
      assert_equal [:none, 0], [lease.transaction_state, lease.value("SELECT count(*) FROM c")]
    end
  end

  def test_no_transaction_is_left_whenever_the_timeout_comes
    open_lease do |lease|
      lease.exec("CREATE TABLE t(a)")
      lease.exec("INSERT INTO t VALUES (0)")
      300.times do |i|
        moment = 0.0002 + (i * 0.00001)
        Timeout.timeout(moment) { loop { lease.transaction { |tx| tx.exec("UPDATE t SET a = a + 1") } } }
      rescue Timeout::Error
        assert_equal :none, lease.transaction_state
      end
      assert_operator lease.value("SELECT a FROM t"), :>, 0
    end
  end

  def test_savepoints_undo_no_more_than_their_own
    open_lease do |lease|
      setup_table(lease)
      lease.transaction do |tx|
        tx.exec("INSERT INTO t VALUES (1)")
        tx.savepoint { tx.exec("INSERT INTO t VALUES (2)") }
        assert_raises(Mtdb::ConstraintError) { tx.savepoint { tx.exec_many("INSERT INTO t VALUES (?)", [[3], [1]]) } }
        tx.savepoint do
          tx.exec("INSERT INTO t VALUES (4)")
          tx.savepoint { tx.exec("INSERT INTO t VALUES (5)") && raise(Mtdb::Rollback) }
        end
      end
      assert_equal [1, 2, 4], lease.rows("SELECT a FROM t ORDER BY a").flatten
    end
  end

  def test_a_lost_transaction_is_said_and_ends
    open_lease do |lease|
      setup_table(lease)
      assert_raises(Mtdb::TransactionLostError) do
        lease.transaction do |tx|
          tx.exec("INSERT INTO t VALUES (1)")
          assert_raises(Mtdb::ConstraintError) { tx.exec("INSERT OR ROLLBACK INTO t VALUES (1)") }
          assert_equal :lost, tx.transaction_state
        end
      end
      lease.rollback
      assert_equal [0, :none], [count(lease), lease.transaction_state]
    end
  end

  def test_a_failure_that_may_pass_is_tried_again
    open_lease("echo:") do |lease|
      runs = 0
      value = lease.transaction(attempts: 3) { (runs += 1) < 3 ? lease.exec("fail SERIALIZATION") : :done }
      assert_equal [:done, 3], [value, runs]
      runs = 0
      assert_raises(Mtdb::BusyError) { lease.transaction(attempts: 2) { (runs += 1) && lease.exec("fail BUSY") } }
      assert_equal 2, runs
      runs = 0
      failing = -> { lease.transaction(attempts: 5) { (runs += 1) && lease.exec("fail CONSTRAINT") } }
      assert_raises(Mtdb::ConstraintError, &failing)
      assert_equal 1, runs
    end
  end

  def test_a_transaction_of_the_db_takes_a_lease_for_each_try
    open_db do |db|
      db.tenant("a") { |lease| setup_table(lease) }
      assert_equal 1, db.transaction("a") { |tx| tx.exec("INSERT INTO t VALUES (1)") }
      Mtdb.with_tenant("a") do
        db.transaction(read_only: true) { |tx| assert_raises(Mtdb::StorageError) { tx.exec("DELETE FROM t") } }
      end
      assert_equal 1, db.value("SELECT count(*) FROM t", tenant: "a")
    end
  end

  def test_a_lease_goes_back_with_what_was_open_undone
    open_db do |db|
      db.tenant("a") do |lease|
        setup_table(lease)
        lease.begin_transaction
        lease.exec("INSERT INTO t VALUES (1)")
      end
      assert_equal 0, db.value("SELECT count(*) FROM t", tenant: "a")
    end
  end
end
