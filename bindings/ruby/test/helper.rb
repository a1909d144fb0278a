# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require "minitest/autorun"
require "mtdb"
require "rbconfig"
require "tmpdir"

# What the tests share: a db in a folder of its own, with a tenant "a".
class MtdbTest < Minitest::Test
  ENDLESS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c"
  NUMBERS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ?) SELECT n FROM c"

  private

  def open_db(url = nil, **options)
    return use_db(url, **options) { |db| yield db } if url

    Dir.mktmpdir("mtdb-ruby-") { |folder| use_db("sqlite:#{File.realpath(folder)}", **options) { |db| yield db } }
  end

  def use_db(url, **options)
    Mtdb.open(url, **options) do |db|
      db.tenants.create("a")
      yield db
    end
  end

  # A lease of tenant "a".
  def open_lease(*url, **options)
    open_db(*url, **options) { |db| db.tenant("a") { |lease| yield lease, db } }
  end

  # Runs a Ruby program with the gem in it; [exit status, output]. `body` sees `db`, an open one with a tenant "a".
  def program(body, setup: "")
    Dir.mktmpdir("mtdb-ruby-") do |folder|
      text = <<~RUBY
        require "mtdb"
        #{setup}
        db = Mtdb.open("sqlite:#{File.realpath(folder)}")
        db.tenants.create("a")
        #{body}
      RUBY
      output = IO.popen([RbConfig.ruby, "-w", "-e", text, { err: %i[child out] }], &:read)
      [$?.exitstatus || $?.termsig.to_s, output]
    end
  end

  def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
end
