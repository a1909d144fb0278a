# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# Usage: conformance.rb FILE...
# Runs the shared vectors through the gem, says what differs, and ends with `N passed, N failed`.

require "json"
require "mtdb"
require_relative "tagged"

# One file of vectors over one db.
class Vectors
  attr_reader :passed, :failed

  def initialize(path)
    @name = File.basename(path)
    @file = JSON.parse(File.read(path))
    @passed = @failed = 0
  end

  def run
    Mtdb.open(@file["url"].sub(/\Aenv:(.*)/) { ENV.fetch($1) }) do |db|
      @file["tests"].each_with_index { |test, index| run_test(db, test, "t#{index + 1}") }
    end
  end

  # Runs the vectors of all files, says how it went, and ends the program.
  def self.main(paths)
    files = paths.map { |path| new(path).tap(&:run) }
    puts "#{files.sum(&:passed)} passed, #{files.sum(&:failed)} failed"
    exit(files.sum(&:failed).zero? && files.sum(&:passed).positive?)
  end

  private

  def run_test(db, test, tenant)
    db.tenants.drop(tenant) if db.tenants.exist?(tenant) # a server keeps those of the run before
    db.tenants.create(tenant)
    wrong = []
    run_steps(db, tenant, test["steps"]) { |index, differences| wrong[index] = differences }
    wrong.each_with_index do |differences, index|
      differences&.each { |text| puts "FAILED #{@name}: #{test["name"]}: step #{index + 1}: #{text}" }
    end
    return if wrong.empty? && test["steps"].any? # they were all left out

    wrong.any? && wrong.compact.all?(&:empty?) ? @passed += 1 : @failed += 1
  end

  # Yields the index and differences of each step that was run.
  def run_steps(db, tenant, steps)
    db.tenant(tenant) do |lease|
      steps.each_with_index { |step, index| yield index, Step.new(db, lease, tenant, step).run }
    end
  end
end

# One step: a call, and what it is compared with.
class Step
  LONG = 256

  def initialize(db, lease, tenant, step)
    @db = db
    @lease = lease
    @tenant = tenant
    @step = step
    @differences = []
  end

  def run
    begin
      send("call_#{@step["call"]}")
      equal("status", "OK", @step.fetch("status", "OK"))
    rescue Mtdb::Error => e
      failed(e)
    end
    @differences
  end

  private

  def equal(what, got, want)
    return if got == want

    @differences << "#{what}: got #{got.inspect[0, LONG]}, want #{want.inspect[0, LONG]}"
  end

  def failed(error)
    equal("status (#{error.message})", error.code.to_s, @step.fetch("status", "OK"))
    equal("class", error.class, Mtdb::Errors::TABLE[error.code])
    (@step["error"] || {}).each { |field, want| equal(field, field_of(error, field), want) }
  end

  def field_of(error, field)
    case field
    when "native" then error.native_code
    when "retryable" then error.retryable?
    when "effect" then error.effect.to_s
    else error.public_send(field)
    end
  end

  # In Ruby a String knows its length: a length is a cut, and one that cannot be cut is refused by String.
  def sql
    text = @step["sql"]
    length = @step.fetch("sql_len", -1)
    raise Mtdb::Errors.build(-1, message: "no text") if length < -1 || text.nil?

    length == -1 ? text : text.byteslice(0, length)
  end

  def params = (@step["params"] || []).map { |tagged| Tagged.parse(tagged) }
  def params_rows = @step["params_rows"]&.map { |row| row.map { |tagged| Tagged.parse(tagged) } }
  def wait = @step.key?("timeout_ms") ? @step["timeout_ms"] / 1000.0 : Float::INFINITY

  # ---- results ----

  def limits = { block_rows: @step["max_rows"], block_bytes: @step["buffer"] }.compact

  def read(result)
    equal("columns", result.columns.first(@step["columns"].size), @step["columns"]) if @step["columns"]
    equal("declared", result.declared.first(@step["declared"].size), @step["declared"]) if @step["declared"]
    blocks = []
    rows = []
    result.each_block(raw: true) do |types, block|
      blocks << types.map(&:to_s) unless block.empty?
      block.each { |row| rows << row.zip(types).map { |value, type| Tagged.of(value, type) } }
    end
  ensure
    compare(result, rows, blocks)
  end

  def compare(result, rows, blocks)
    equal("rows", rows, @step["rows"].map { |row| row.map { |cell| Tagged.expected(cell) } }) if @step["rows"]
    equal("types", blocks.first || [], @step["types"]) if @step["types"] && rows.any?
    equal("blocks", blocks, @step["blocks"]) if @step["blocks"]
    equal("affected", result.affected, @step["affected"]) if @step["affected"]
    equal("insert_id", result.insert_id, @step["insert_id"]) if @step["insert_id"]
  end

  def call_query
    return one_row_too_many if @step["params_rows"]

    read(@lease.query(sql, *params, timeout: wait, **limits))
  end

  # Ruby's query has one row of values by its form; several are refused by the library all the same.
  def one_row_too_many
    block = Mtdb::Native.block(params_rows)
    Mtdb::Call.raw(:mtdb_conn_query, @lease.instance_variable_get(:@handle), sql, block, -2, nil)
  end

  def call_db_query = read(@db.query(sql, *params, tenant: @step.fetch("tenant", @tenant), timeout: wait))

  # All rows are read, and none is kept.
  def call_scan
    cancel = Mtdb::Cancel.new
    cancel.trigger if @step["cancel"] == "before"
    other = Thread.new { sleep(0.05) && cancel.trigger } if @step["cancel"] == "running"
    count = sum = 0
    @lease.query(sql, timeout: wait, cancel: cancel) do |row|
      sum += row.first || 0
      cancel.trigger if (count += 1) == 1 && @step["cancel"] == "rows"
    end
  ensure
    other&.join
    equal("rows before the cancel", count.positive?, true) if @step["cancel"] == "rows"
    equal("rows_count", count, @step["rows_count"]) if @step["rows_count"]
    equal("rows_sum", sum.to_s, @step["rows_sum"]) if @step["rows_sum"]
  end

  # Each thread goes from tenant to tenant: it writes there, and counts rows of others.
  def call_parallel
    tenants = Array.new(@step["tenants"]) { |i| "#{@tenant}x#{i}" }
    tenants.each do |id|
      @db.tenants.drop(id) if @db.tenants.exist?(id)
      @db.tenants.create(id)
      @db.exec(@step["create"], tenant: id)
    end
    threads = Array.new(@step["threads"]) { |first| Thread.new { strangers(tenants.rotate(first)) } }
    equal("rows of others", threads.sum(&:value), 0)
    rows = tenants.map { |id| @db.value(@step["all"], tenant: id) }
    equal("rows", rows.uniq, [threads.size * @step["rounds"] / tenants.size])
  end

  def strangers(tenants)
    (0...@step["rounds"]).sum do |round|
      Mtdb.with_tenant(tenants[round % tenants.size]) do |id|
        @db.exec(@step["write"], id, timeout: Float::INFINITY)
        @db.value(@step["others"], id, timeout: Float::INFINITY)
      end
    end
  end

  # Takes events until the one that is looked for.
  def call_event
    whose = @step.fetch("tenant", @tenant)
    found = @db.events(wait: 10).any? { |event| event.name == @step["name"] && event.tenant == whose }
    equal("event #{@step["name"]} of #{whose}", found, true)
  end

  def call_statement
    @lease.prepare(sql) do |statement|
      equal("parameters", statement.parameter_count, @step["parameters"]) if @step["parameters"]
      next equal("affected", statement.exec_many(params_rows), @step["affected"]) if @step["params_rows"]

      read(statement.query(bound))
    end
  end

  # Values by number or by name.
  def bound
    (@step["bind"] || {}).to_h { |name, tagged| [Integer(name, exception: false) || name, Tagged.parse(tagged)] }
  end

  # ---- other calls ----

  def call_exec
    rows = params_rows
    changed = rows ? @lease.exec_many(sql, rows, timeout: wait) : @lease.exec(sql, *params, timeout: wait)
    equal("affected", changed, @step["affected"]) if @step["affected"]
  end

  # How many statements ran before the one that failed is one less than its number.
  def call_script
    ran = @lease.script(sql)
    equal("statements", ran, @step.fetch("statements", ran))
  rescue Mtdb::Error => e
    equal("statements", e.statement - 1, @step["statements"]) if @step["statements"]
    raise
  end

  def call_bad_block
    block = Tagged.parse(@step["block"])
    Mtdb::Call.raw(:mtdb_conn_exec, @lease.instance_variable_get(:@handle), sql, block, -2, nil)
  end

  def call_begin = @lease.begin_transaction(**(@step["options"] || {}).transform_keys(&:to_sym))
  def call_commit = @lease.commit
  def call_rollback = @lease.rollback
  def call_close = @lease.close
  def call_savepoint = @lease.set_savepoint(@step["name"])
  def call_rollback_to = @lease.rollback_to(@step["name"])
  def call_release_savepoint = @lease.release_savepoint(@step["name"])
  def call_state = equal("state", @lease.transaction_state.to_s, @step["state"])
  def call_insert_id = @lease.insert_id.then { |id| equal("insert_id", id, @step["insert_id"]) }
  def call_acquire = @db.tenant(@step.fetch("tenant", @tenant), timeout: wait, &:tenant)
  def call_create = @db.tenants.create(@step["tenant"])
  def call_check_tenant = @db.tenants.check(Tagged.parse(@step["id"]))
  def call_option = Mtdb::Options.handle(:db, @step["key"] => @step["value"])

  def call_status_name
    number = @step["number"]
    name = Mtdb::Call.text { |capacity| Mtdb::Call::Raw.mtdb_status_text(number, capacity) }
    equal("name", name, @step["name"])
    equal("the table's name", Mtdb::Errors.name_of(number).to_s, name) if number.negative?
  end
end

GC.auto_compact = true # whatever the extension keeps must not move
Vectors.main(ARGV) if $PROGRAM_NAME == __FILE__
