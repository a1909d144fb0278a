# SPDX-License-Identifier: MIT
# How every target is compiled: `mtdb_options` carries language level, warnings and sanitizers.

if(PROJECT_IS_TOP_LEVEL)
    if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
        set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Debug, Release or RelWithDebInfo" FORCE)
    endif()
    find_program(MTDB_CCACHE ccache)
    if(MTDB_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
        # An object may come from another build folder: tests/install compiles the same sources again.
        set(CMAKE_C_COMPILER_LAUNCHER env CCACHE_NOHASHDIR=1 ${MTDB_CCACHE})
        set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_C_COMPILER_LAUNCHER})
    endif()
    set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
endif()

find_package(PkgConfig)
if(NOT PKG_CONFIG_FOUND)
    message(FATAL_ERROR "pkg-config is missing; on Debian: apt-get install pkg-config")
endif()

# mtdb_require(MODULE VERSION PACKAGE): PkgConfig::<MODULE>, or an error that names the Debian package.
function(mtdb_require module version package)
    pkg_check_modules(${module} QUIET IMPORTED_TARGET GLOBAL "${module}>=${version}")
    if(NOT ${module}_FOUND)
        message(FATAL_ERROR "${module} ${version} or newer is missing; on Debian: apt-get install ${package}")
    endif()
endfunction()

# mtdb_require_program(VARIABLE PROGRAM PACKAGE): its path, or an error that names the Debian package.
function(mtdb_require_program variable program package)
    find_program(${variable} ${program})
    if(NOT ${variable})
        message(FATAL_ERROR "${program} is missing; on Debian: apt-get install ${package}")
    endif()
endfunction()

find_package(Threads REQUIRED)

add_library(mtdb_options INTERFACE)
target_compile_features(mtdb_options INTERFACE cxx_std_20 c_std_11)
target_compile_options(mtdb_options INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
if(MTDB_WERROR)
    target_compile_options(mtdb_options INTERFACE -Werror)
endif()
if(MTDB_SANITIZE)
    target_compile_options(mtdb_options INTERFACE
        -fsanitize=${MTDB_SANITIZE} -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
    target_link_options(mtdb_options INTERFACE -fsanitize=${MTDB_SANITIZE})
endif()
if(MTDB_FUZZ)
    target_compile_options(mtdb_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
