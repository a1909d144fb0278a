// SPDX-License-Identifier: MIT
// The raw layer of every language, made from mtdb.h: integers, buffers and status codes, nothing else. No proxies, no
// directors, no exceptions: what a language makes of a status is written by hand above this layer.
//
// One typemap file per language knows the seven patterns that a parameter can have; the names below bind the
// header's parameters to them. `bindings/swig/check` reads the header and this file and fails on a parameter that
// fits nowhere.
%module Raw

%{
#include "mtdb.h"
%}

// int64_t is `long long` here: SWIGWORDSIZE64 would cut it to 32 bits in Java and C#.
%include <stdint.i>

// For C only: borrowed pointers, the cursor, frozen structs. What they give comes by a buffer or a block.
%ignore mtdb_version;
%ignore mtdb_status_name;
%ignore mtdb_error_message;
%ignore mtdb_error_retain;
%ignore mtdb_value_type;
%ignore mtdb_value_int64;
%ignore mtdb_value_double;
%ignore mtdb_value_text;
%ignore mtdb_result_next;
%ignore mtdb_block_data;
%ignore mtdb_block_header;
%ignore mtdb_block_column;

#if defined(SWIGJAVA)
%include "mtdb_java.swg"
#elif defined(SWIGCSHARP)
%include "mtdb_csharp.swg"
#elif defined(SWIGRUBY)
%include "mtdb_ruby.swg"
#elif defined(SWIGGO)
%include "mtdb_go.swg"
#else
#error "no typemaps for this language"
#endif

// A typemap over several arguments matches by exact names, so each name is listed. C# passes address and length
// apart and needs none of this.
#if defined(SWIGCSHARP)
#define MTDB_TEXT(NAME)
#define MTDB_BYTES(NAME)
#else
%define MTDB_TEXT(NAME)
%apply (const char *TEXT, int64_t TEXT_LEN) { (const char *NAME, int64_t NAME ## _len) };
%enddef
%define MTDB_BYTES(NAME)
%apply (const void *BYTES, int64_t BYTES_LEN) { (const void *NAME, int64_t NAME ## _len) };
%enddef
#endif

MTDB_TEXT(by)
MTDB_TEXT(description)
MTDB_TEXT(down)
MTDB_TEXT(key)
MTDB_TEXT(name)
MTDB_TEXT(reason)
MTDB_TEXT(scope)
MTDB_TEXT(source)
MTDB_TEXT(sql)
MTDB_TEXT(target)
MTDB_TEXT(tenant)
#if defined(SWIGGO)
%apply (const void *BYTES, int64_t BYTES_LEN) { (const char *tenants, int64_t tenants_len) };  // nil is all, empty none
#else
MTDB_TEXT(tenants)
#endif
MTDB_TEXT(text)
MTDB_TEXT(token)
MTDB_TEXT(up)
MTDB_TEXT(url)
MTDB_TEXT(value)
MTDB_TEXT(verb)
MTDB_TEXT(version)

MTDB_BYTES(block)
MTDB_BYTES(params)
MTDB_BYTES(value)

%include "mtdb.h"
