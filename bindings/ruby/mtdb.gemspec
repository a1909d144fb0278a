# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require_relative "lib/mtdb/version"

Gem::Specification.new do |gem|
  gem.name = "mtdb"
  gem.version = Mtdb::VERSION
  gem.summary = "Multi-tenant access to SQLite, PostgreSQL and MariaDB or MySQL"
  gem.description = "Routes each call to its tenant, pools the connections, migrates one tenant or a fleet of them. " \
                    "A layer over libmtdb, which must be installed; with an adapter for Sequel."
  gem.authors = ["The mtdb maintainers"]
  gem.license = "MIT"
  gem.required_ruby_version = ">= 3.1"
  gem.files = Dir["lib/**/*.rb", "ext/**/*.{rb,cpp,cxx,hpp}", "ruby.md", "LICENSE"]
  gem.extensions = %w[ext/mtdb_raw/extconf.rb ext/mtdb_native/extconf.rb]
  gem.requirements = ["libmtdb #{Mtdb::VERSION}, found by pkg-config", "a C++20 compiler"]
  gem.metadata = { "rubygems_mfa_required" => "true" }
end
