# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require "json"

# Two sides in turns, in one process: their medians, and one JSON object per case, as the other benchmarks print it.
module Bench
  class << self
    # Milliseconds that a block took.
    def milliseconds
      began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      yield
      (Process.clock_gettime(Process::CLOCK_MONOTONIC) - began) * 1000
    end

    def median(values)
      sorted = values.sort
      (sorted[(sorted.size - 1) / 2] + sorted[sorted.size / 2]) / 2
    end

    # Runs both sides in turns after one turn that does not count; what they return must be equal. Collects before each
    # turn, so that no side pays for the other's objects. [ours, peer], in milliseconds.
    def in_turns(rounds, ours, peer)
      raise "the two sides read different rows" unless ours.call == peer.call

      times = Array.new(rounds) do
        [ours, peer].map do |side|
          GC.start
          milliseconds(&side)
        end
      end
      times.transpose.map { |side| median(side) }
    end

    # @param reach  [:at_least or :at_most, bound], or nil
    def print_case(name, text, unit, ours, peer, ratio, reach = nil)
      sign, bound = reach
      ok = reach.nil? || (sign == :at_least ? ratio >= bound : ratio <= bound)
      puts JSON.generate(name: name, case: text, unit: unit, ours: ours.round(6), peer: peer.round(6),
                         ratio: ratio.round(4), reach: reach ? "#{sign == :at_least ? ">=" : "<="}#{bound}" : "none",
                         ok: ok)
      $stdout.flush
    end
  end
end
