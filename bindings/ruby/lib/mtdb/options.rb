# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require "json"

module Mtdb
  # Options as keywords. An option is given by its name with `_` for each dot (`pool_size_max: 4`); where a call takes
  # options of one scope only, that scope's prefix is left out (`db.migrator(source: "scripts")`); the name itself as a
  # symbol or string does too (`"pool.size_max": 4`). A family such as `tenant.map.<id>` takes a Hash.
  class Options
    # One option, as the library describes it. `family`: the rest of the key is the program's.
    Known = Struct.new(:key, :scopes, :type, :default, :values, :secret, :doc, :family)

    # Prefixes that the calls of a scope leave out.
    PREFIXES = { migrator: "migrate.", fleet: "fleet.", quiesce: "quiesce.", lease: "lease.", tx: "tx.",
                 run: "run.", driver: "driver." }.freeze

    class << self
      # All options that the library has.
      def known
        @known ||= Array.new(Call::Raw.mtdb_options_count) { |index| describe(index) }.freeze
      end

      # keyword => Known, for one scope.
      def keywords(scope)
        (@keywords ||= {})[scope] ||= known.select { |option| option.scopes.include?(scope) }
                                           .to_h { |option| [keyword(option, scope), option] }.freeze
      end

      # The keyword of an option in the calls of a scope.
      def keyword(option, scope)
        option.key.delete_prefix(PREFIXES.fetch(scope, "")).delete_suffix(".<id>").tr(".", "_").to_sym
      end

      # A handle of options for one call, or nil when there is none to set.
      def handle(scope, given)
        given = given.compact
        return nil if given.empty?

        handle = Native::Handle.new(:options)
        Call.raw(:mtdb_options_new) { |address| handle.fill(address) }
        given.each { |name, value| set(handle, scope, name, value) }
        handle
      end

      private

      def describe(index)
        text = Call.text { |capacity| Call::Raw.mtdb_options_describe(index, capacity) }
        fields = JSON.parse(text)
        family = fields["key"].end_with?(".<id>")
        Known.new(fields["key"], fields["scope"].split(",").map(&:to_sym), fields["type"], fields["default"],
                  fields["values"], fields["secret"], fields["doc"], family).freeze
      end

      def set(handle, scope, name, value)
        option = keywords(scope)[name.to_sym]
        return put(handle, option ? option.key : foreign(scope, name), value) unless option&.family

        value.each { |id, each| put(handle, option.key.sub("<id>", id.to_s), each) }
      end

      # The library names the nearest key: it is asked about a key as it spells them.
      def foreign(scope, name)
        name = name.to_s
        return name if name.include?(".")

        known.find { |option| option.key.tr(".", "_") == name }&.key || (PREFIXES.fetch(scope, "") + name)
      end

      # Every type is parsed from text; a list is written with commas.
      def put(handle, key, value)
        text = value.is_a?(Array) ? value.join(",") : value.to_s
        Call.raw(:mtdb_options_set_str, handle, key, text)
      end
    end
  end
end
