# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require "mkmf"

abort "mtdb: libmtdb is missing (pkg-config mtdb)" unless pkg_config("mtdb")
$INCFLAGS << " -I$(srcdir)/../mtdb_raw"
$CXXFLAGS << " -std=c++20 -fvisibility=hidden"
$LOCAL_LIBS << " -pthread"
create_makefile("mtdb_native")
