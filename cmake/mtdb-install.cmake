# SPDX-License-Identifier: MIT
# The installed tree: header, shared and static library, CMake package, pkg-config file.
include(CMakePackageConfigHelpers)

set(MTDB_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/mtdb)

install(TARGETS mtdb EXPORT mtdb-targets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS mtdb_static EXPORT mtdb-targets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT mtdb-targets NAMESPACE mtdb:: DESTINATION ${MTDB_CMAKE_DIR})

configure_package_config_file(cmake/mtdb-config.cmake.in mtdb-config.cmake INSTALL_DESTINATION ${MTDB_CMAKE_DIR})
# Until 1.0 a minor version may break the ABI.
write_basic_package_version_file(mtdb-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/mtdb-config.cmake ${PROJECT_BINARY_DIR}/mtdb-config-version.cmake
    DESTINATION ${MTDB_CMAKE_DIR})

# Relative to the .pc file, so that an installed tree can be moved as a whole.
file(RELATIVE_PATH MTDB_PC_PREFIX /usr/${CMAKE_INSTALL_LIBDIR}/pkgconfig /usr)
string(REGEX REPLACE "/$" "" MTDB_PC_PREFIX "${MTDB_PC_PREFIX}")
configure_file(pkgconfig/mtdb.pc.in mtdb.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/mtdb.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
