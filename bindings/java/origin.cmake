# SPDX-License-Identifier: MIT
# cmake -DLIBRARY=FILE -P origin.cmake: it looks for libmtdb beside itself, not where it was built.
file(READ_ELF ${LIBRARY} RUNPATH runpath RPATH rpath)
foreach(path IN LISTS runpath rpath)
    if(path AND NOT path STREQUAL "$ORIGIN")
        file(RPATH_CHANGE FILE ${LIBRARY} OLD_RPATH "${path}" NEW_RPATH "$ORIGIN")
    endif()
endforeach()
