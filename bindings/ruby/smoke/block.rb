# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# A row block as mtdb.h lays it out.
class Block
  HEADER = 32
  ENTRY = 32
  FIXED = { Raw::MTDB_TYPE_INT64 => "q<", Raw::MTDB_TYPE_DOUBLE => "E" }.freeze

  def initialize(bytes)
    @bytes = bytes
  end

  def columns = int32(8)
  def rows = int32(12)
  def type(column) = int32(HEADER + (ENTRY * column))

  def row(index) = (0...columns).map { |column| value(index, column) }

  # nil, an Integer, a Float, or a String: text in UTF-8, bytes in binary.
  def value(row, column)
    validity, data, heap = @bytes.unpack("q<3", offset: HEADER + (ENTRY * column) + 8)
    return nil if validity != 0 && @bytes.getbyte(validity + (row / 8))[row % 8].zero?

    case type(column)
    when Raw::MTDB_TYPE_VARIANT then variant(row, data, heap)
    when Raw::MTDB_TYPE_NULL then nil
    when *FIXED.keys then @bytes.unpack1(FIXED[type(column)], offset: data + (8 * row))
    else
      first, last = @bytes.unpack("l<2", offset: data + (4 * row))
      typed(type(column), heap + first, last - first)
    end
  end

  private

  def int32(offset) = @bytes.unpack1("l<", offset: offset)

  def variant(row, data, heap)
    tag = @bytes.getbyte(data + row)
    place = data + ((rows + 7) / 8 * 8) + (8 * row)
    return nil if tag == Raw::MTDB_TYPE_NULL
    return @bytes.unpack1(FIXED[tag], offset: place) if FIXED.key?(tag)

    length, offset = @bytes.unpack("L<2", offset: place)
    typed(tag, heap + offset, length)
  end

  def typed(type, offset, length)
    bytes = @bytes.byteslice(offset, length)
    case type
    when Raw::MTDB_TYPE_TEXT then bytes.force_encoding(Encoding::UTF_8)
    when Raw::MTDB_TYPE_BYTES then bytes.force_encoding(Encoding::BINARY)
    else raise "type #{type} is not decoded here"
    end
  end
end
