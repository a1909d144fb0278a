# SPDX-License-Identifier: MIT
# frozen_string_literal: true

module Mtdb
  # The gem's version: that of the libmtdb it is built for.
  VERSION = "0.1.0"
end
