# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# Usage: conformance_sequel.rb FILE...
# Runs the shared vectors through Sequel, says what differs and how many steps were left out and why (docs/ruby.md),
# and ends with `N passed, N failed`.

require_relative "conformance"
require_relative "sequel_step"

# One test on its way. The vectors' transactions and savepoints are the blocks of `transaction`: the step that ends one
# ends the block.
class SequelTest
  ENDS = { "commit" => :transaction, "rollback" => :transaction,
           "release_savepoint" => :savepoint, "rollback_to" => :savepoint }.freeze
  KEEPS = %w[commit release_savepoint].freeze

  def initialize(sequel, tenant, steps, &report)
    @sequel = sequel
    @tenant = tenant
    @steps = steps.each_with_index.to_a
    @report = report
  end

  # One lease for all steps.
  def run = Mtdb.with_tenant(@tenant) { @sequel.synchronize { run_block(nil) } }

  private

  # Runs steps until one ends this block, and returns it.
  def run_block(block)
    while (step, index = @steps.shift)
      name = step["call"]
      next run_one(step, index) unless ENDS.key?(name) || %w[begin savepoint close].include?(name)
      return [step, index] if ENDS[name] && [ENDS[name], step["name"]] == block

      if name == "close" then leave_out_rest(index)
      elsif ENDS[name] then leave_out(index, "a transaction or savepoint that has ended with its block")
      else open_block(step, index)
      end
    end
  end

  def open_block(step, index)
    savepoint = step["call"] == "savepoint"
    ending = nil
    raised = nil
    begin
      @sequel.transaction(savepoint: savepoint, **wishes(step)) do
        @report.call(index, SequelStep.new(@sequel, @tenant, step).outcome(nil)) # it has begun
        ending = run_block([savepoint ? :savepoint : :transaction, step["name"]])
        raise Sequel::Rollback unless ending && KEEPS.include?(ending.first["call"])
      end
    rescue Sequel::DatabaseError => e
      raised = e
    end
    step, index = ending if ending
    @report.call(index, SequelStep.new(@sequel, @tenant, step).outcome(raised)) if ending || raised
  end

  def wishes(step) = (step["options"] || {}).to_h { |key, value| [key.delete_prefix("tx.").to_sym, value == "true"] }

  def run_one(step, index)
    @report.call(index, SequelStep.new(@sequel, @tenant, step, @unwritten ||= []).run)
  rescue SequelStep::LeftOut => e
    leave_out(index, e.message)
  end

  def leave_out(index, reason) = @report.call(index, [], reason)

  def leave_out_rest(index)
    [index, *@steps.map(&:last)].each { |left| leave_out(left, "after a lease that is closed by hand") }
    @steps.clear
  end
end

# The vectors of a file through Sequel.
class SequelVectors < Vectors
  LEFT_OUT = Hash.new(0)

  # Says what was left out, too.
  def self.main(paths)
    at_exit { LEFT_OUT.each { |reason, count| puts "left out: #{count} steps: #{reason}" } }
    super
  end

  private

  def run_steps(db, tenant, steps)
    sequel = Sequel.connect(adapter: "mtdb", mtdb: db, keep_reference: false)
    SequelTest.new(sequel, tenant, steps) do |index, differences, left_out|
      left_out ? LEFT_OUT[left_out] += 1 : yield(index, differences)
    end.run
  end
end

SequelVectors.main(ARGV)
