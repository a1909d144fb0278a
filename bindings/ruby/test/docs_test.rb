# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require_relative "helper"
$VERBOSE = nil # Sequel's own files have warnings
require "sequel"
require "sequel/adapters/mtdb"
$VERBOSE = true

# Every public name of lib/ has a comment above it, and the guide's table of errors is the one in the code.
class DocsTest < MtdbTest
  LIB = File.expand_path("../lib", __dir__)
  GUIDE = File.expand_path("../../../docs/ruby.md", __dir__)
  # Calls of this gem's own files, and what Sequel's own documentation says.
  INTERNAL = [Mtdb::Call, Mtdb::Native, Mtdb::Values, Mtdb::Errors, Mtdb::Outcome].freeze

  def modules(root, seen = [])
    return seen if seen.include?(root)

    seen << root
    root.constants(false).map { |name| root.const_get(name) }.grep(Module).each do |inner|
      modules(inner, seen) if inner.name.start_with?(root.name)
    end
    seen
  end

  def documented?(method)
    path, line = method.source_location
    return true unless path&.start_with?(LIB)

    before = File.readlines(path)[0...(line - 1)].reverse
    before = before.drop_while { |text| text.include?("attr_reader") } # several may share one comment
    before.first.match?(/\A\s*#/)
  end

  def public_methods_of(type)
    own = type.singleton_methods(false).map { |name| [".#{name}", type.method(name)] }
    own + type.public_instance_methods(false).map { |name| ["##{name}", type.instance_method(name)] }
  end

  def test_every_public_method_has_its_comment
    all = (modules(Mtdb) + modules(Sequel::Mtdb)) - INTERNAL
    methods = all.flat_map { |type| public_methods_of(type).map { |name, method| ["#{type}#{name}", method] } }
    assert_operator methods.size, :>, 150
    bare = methods.reject { |_name, method| documented?(method) }.map(&:first)
    assert_equal [], bare - %w[Mtdb::TimeOfDay#<=>]
  end

  def test_every_class_has_its_comment
    declared = Dir[File.join(LIB, "**/*.rb")].flat_map do |path|
      lines = File.readlines(path)
      lines.each_index.select { |i| lines[i].match?(/^\s*(class|module) (?!<<)/) && !lines[i - 1].match?(/^\s*#/) }
           .map { |i| "#{File.basename(path)}: #{lines[i].strip}" }
    end
    assert_equal [], declared.grep_v(/: module (Mtdb|Sequel)$/)
  end

  def test_the_guides_table_is_the_codes
    rows = File.read(GUIDE)[/^## Errors.*/m].scan(/^\| (`[A-Z].*?) \| `(\w+)`/)
    told = rows.flat_map { |codes, type| codes.scan(/[A-Z_]+/).map { |code| [code.to_sym, type] } }.to_h
    assert_equal Mtdb::Errors::TABLE.transform_values { |type| type.name.delete_prefix("Mtdb::") }, told
  end
end
