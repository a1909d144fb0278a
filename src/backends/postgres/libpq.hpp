// SPDX-License-Identifier: MIT
// The client library, loaded on first use: programs that speak to no PostgreSQL need none.
#pragma once

#include <libpq-fe.h>

#include <memory>

namespace mtdb::backends::postgres {

#define MTDB_LIBPQ_FUNCTIONS(APPLY) \
    APPLY(PQbackendPID)             \
    APPLY(PQbinaryTuples)           \
    APPLY(PQcancel)                 \
    APPLY(PQclear)                  \
    APPLY(PQclientEncoding)         \
    APPLY(PQcmdStatus)              \
    APPLY(PQcmdTuples)              \
    APPLY(PQconnectPoll)            \
    APPLY(PQconnectStartParams)     \
    APPLY(PQconninfoFree)           \
    APPLY(PQconninfoParse)          \
    APPLY(PQconsumeInput)           \
    APPLY(PQenterPipelineMode)      \
    APPLY(PQerrorMessage)           \
    APPLY(PQexitPipelineMode)       \
    APPLY(PQfinish)                 \
    APPLY(PQflush)                  \
    APPLY(PQfname)                  \
    APPLY(PQfreeCancel)             \
    APPLY(PQfreemem)                \
    APPLY(PQftype)                  \
    APPLY(PQgetCancel)              \
    APPLY(PQgetCopyData)            \
    APPLY(PQgetResult)              \
    APPLY(PQgetisnull)              \
    APPLY(PQgetlength)              \
    APPLY(PQgetvalue)               \
    APPLY(PQhost)                   \
    APPLY(PQisBusy)                 \
    APPLY(PQnfields)                \
    APPLY(PQnotifies)               \
    APPLY(PQntuples)                \
    APPLY(PQparameterStatus)        \
    APPLY(PQpipelineSync)           \
    APPLY(PQputCopyData)            \
    APPLY(PQputCopyEnd)             \
    APPLY(PQresultErrorField)       \
    APPLY(PQresultErrorMessage)     \
    APPLY(PQresultStatus)           \
    APPLY(PQsendPrepare)            \
    APPLY(PQsendQuery)              \
    APPLY(PQsendQueryParams)        \
    APPLY(PQsendQueryPrepared)      \
    APPLY(PQsetErrorVerbosity)      \
    APPLY(PQsetNoticeReceiver)      \
    APPLY(PQsetSingleRowMode)       \
    APPLY(PQsetnonblocking)         \
    APPLY(PQsocket)                 \
    APPLY(PQstatus)                 \
    APPLY(PQtransactionStatus)

struct Libpq {
#define MTDB_LIBPQ_FIELD(name) decltype(&::name) name;
    MTDB_LIBPQ_FUNCTIONS(MTDB_LIBPQ_FIELD)
#undef MTDB_LIBPQ_FIELD
};

// Loads it the first time. Throws Error(unsupported) that names the package when it is not there; asked again,
// it looks again.
const Libpq& libpq();

struct ClearResult {
    void operator()(PGresult* result) const noexcept;
};
using ResultHandle = std::unique_ptr<PGresult, ClearResult>;

}  // namespace mtdb::backends::postgres
