# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require "mtdb"

# Tagged values of the shared vectors (bindings/conformance/README.md), as Ruby has them.
module Tagged
  # What to bind for a tag.
  def self.parse(tagged)
    return nil if tagged.nil?

    tag, rest = tagged.split(":", 2)
    case tag
    when "bool" then rest == "1"
    when "int64", "uint64" then tag == "int64" ? rest.to_i : Mtdb::Typed.new(:uint64, rest.to_i)
    when "date", "time", "timestamp", "timestamptz" then Mtdb::Typed.new(tag.to_sym, rest.to_i)
    when "float", "double" then float(rest)
    when "text" then rest
    when "text-hex" then [rest].pack("H*").force_encoding(Encoding::UTF_8)
    when "text-repeat" then rest.split("*", 2).then { |count, unit| unit * count.to_i }
    when "bytes" then [rest].pack("H*")
    when "uuid" then Mtdb::Typed.new(:uuid, [rest].pack("H*"))
    when "decimal", "json", "other" then Mtdb::Typed.new(tag.to_sym, rest)
    else raise "no value is tagged #{tag}"
    end
  end

  def self.float(text) = { "inf" => Float::INFINITY, "-inf" => -Float::INFINITY }[text] || Float(text)

  # A text that is equal for equal values: of a raw value and the type of its column in the block.
  def self.of(value, type)
    type = type_of(value) if type == :variant
    case value
    when nil then "null"
    when true, false then "bool:#{value ? 1 : 0}"
    when Float then "#{type}:#{[value].pack("G").unpack1("H*")}"
    when Array then "#{type}:#{value.join(",")}"
    when String then "#{type}:#{value.unpack1("H*")}"
    else "#{type}:#{value}"
    end
  end

  # The same of what a vector expects.
  def self.expected(tagged)
    return "null" if tagged.nil?

    tag, = tagged.split(":", 2)
    return tagged if tag == "interval"

    value = parse(tagged)
    value = value.value if value.is_a?(Mtdb::Typed)
    value = [value].pack("g").unpack1("g") if tag == "float"
    of(value, tag.start_with?("text") ? :text : tag.to_sym)
  end

  # Of a value in a column of mixed types, which tells it by itself.
  def self.type_of(value)
    case value
    when Integer then :int64
    when Float then :double
    when String then value.encoding == Encoding::BINARY ? :bytes : :text
    end
  end
end
