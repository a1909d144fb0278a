# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require "mkmf"

abort "mtdb: libmtdb is missing (pkg-config mtdb)" unless pkg_config("mtdb")
# SWIG 4.1 registers Ruby functions in a form that Ruby's C++ headers call deprecated.
$CXXFLAGS << " -std=c++20 -Wno-deprecated-declarations"
$LOCAL_LIBS << " -pthread"
create_makefile("mtdb_raw")
