// SPDX-License-Identifier: MIT
// An atlas with one tenant per country: ISO 3166-1 makes the tenants, ISO 3166-2 their data. Creates, migrates, loads
// and reads them all, shows that none reaches another's rows, then brings every tenant up to a second release.
//
// Usage: atlas URL [DATA [SCRIPTS]]
//   URL      where the tenants live: an existing folder, or what mtdb_db_open() takes
//   DATA     the folder of iso_3166-1.json and iso_3166-2.json (Debian package iso-codes)
//   SCRIPTS  the folder with release-1/ and release-2/ in it
#include <cjson/cJSON.h>
#include <ctype.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "example.h"

#ifndef ATLAS_SCRIPTS
#define ATLAS_SCRIPTS "examples/atlas/migrations"
#endif

enum { READERS = 4, WORKERS = 4 };

struct country {
    char tenant[3];    // "fr"
    const char *code;  // "FR"
    const char *name;
    int64_t subdivisions;
};

struct atlas {
    mtdb_db *db;
    cJSON *countries_json, *subdivisions_json;  // own every text below
    struct country *countries;
    int count;
};

static cJSON *read_json(const char *folder, const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) fprintf(stderr, "cannot read %s\n", path);
    expect(file != NULL);
    expect(fseek(file, 0, SEEK_END) == 0);
    const long size = ftell(file);
    rewind(file);
    char *text = malloc((size_t)size);
    expect(text != NULL && fread(text, 1, (size_t)size, file) == (size_t)size);
    fclose(file);
    cJSON *json = cJSON_ParseWithLength(text, (size_t)size);
    free(text);
    expect(json != NULL);
    return json;
}

static const char *text_of(const cJSON *object, const char *key) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static bool is_of(const cJSON *subdivision, const struct country *country) {
    const char *code = text_of(subdivision, "code");
    return strncmp(code, country->code, 2) == 0 && code[2] == '-';
}

static void read_countries(struct atlas *atlas, const char *folder) {
    atlas->countries_json = read_json(folder, "iso_3166-1.json");
    atlas->subdivisions_json = read_json(folder, "iso_3166-2.json");
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(atlas->countries_json, "3166-1");
    atlas->countries = calloc((size_t)cJSON_GetArraySize(list), sizeof *atlas->countries);
    expect(atlas->countries != NULL);
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        struct country *country = &atlas->countries[atlas->count++];
        country->code = text_of(item, "alpha_2");
        country->name = text_of(item, "name");
        for (int i = 0; i < 2; ++i) country->tenant[i] = (char)tolower((unsigned char)country->code[i]);
    }
}

static void open_db(struct atlas *atlas, const char *url) {
    mtdb_options *options = NULL;
    check(mtdb_options_new(&options, &err));
    check(mtdb_options_set_str(options, "placeholders", -1, "portable", -1, &err));
    check(mtdb_options_set_int(options, "pool.tenants_max", -1, 64, &err));  // A quarter of the world at a time.
    check(mtdb_db_open(url, -1, options, &atlas->db, &err));
    mtdb_options_release(options);
}

static int create_tenants(struct atlas *atlas) {
    int created = 0;
    for (int i = 0; i < atlas->count; ++i) {
        const mtdb_status status =
            mtdb_tenant_create(atlas->db, atlas->countries[i].tenant, -1, MTDB_DEFAULT, NULL, &err);
        if (status == MTDB_EXISTS)
            mtdb_error_release(err);  // from an earlier run
        else
            expect(check(status) == MTDB_OK && ++created > 0);
    }
    return created;
}

// One verb of the migrator over all tenants. Counts the scripts that were applied and the tenants that are behind.
static void run_verb(mtdb_migrator *migrator, const char *verb, int64_t *applied, int64_t *behind) {
    enum { TENANT, STATUS, APPLIED, VERSION, STATE, MESSAGE };
    mtdb_options *options = NULL;
    mtdb_result *outcomes = NULL;
    *applied = *behind = 0;
    check(mtdb_options_new(&options, &err));
    check(mtdb_options_set_int(options, "run.workers", -1, WORKERS, &err));
    check(mtdb_migrator_run(migrator, verb, -1, "latest", -1, NULL, 0, options, MTDB_FOREVER, NULL, &outcomes, &err));
    while (check(mtdb_result_next(outcomes, &err)) == MTDB_OK) {
        const char *tenant = mtdb_value_text(outcomes, TENANT, NULL);  // Lives until the next row.
        if (mtdb_value_int64(outcomes, STATUS) != MTDB_OK)
            fprintf(stderr, "%s: %s\n", tenant, mtdb_value_text(outcomes, MESSAGE, NULL));
        expect(mtdb_value_int64(outcomes, STATUS) == MTDB_OK);
        *applied += mtdb_value_int64(outcomes, APPLIED);
        const char *state = mtdb_value_text(outcomes, STATE, NULL);
        if (state == NULL || strcmp(state, "outdated") != 0) continue;
        if (++*behind <= 3) printf("  behind: %s, at %s\n", tenant, mtdb_value_text(outcomes, VERSION, NULL));
    }
    mtdb_result_release(outcomes);
    mtdb_options_release(options);
}

static mtdb_migrator *scripts_in(struct atlas *atlas, const char *folder) {
    mtdb_options *options = NULL;
    mtdb_migrator *migrator = NULL;
    check(mtdb_options_new(&options, &err));
    check(mtdb_options_set_str(options, "migrate.source", -1, folder, -1, &err));
    check(mtdb_options_set_bool(options, "migrate.newer", -1, true, &err));  // A second run meets the second release.
    check(mtdb_migrator_new(atlas->db, options, &migrator, &err));
    mtdb_options_release(options);
    return migrator;
}

static void first_release(struct atlas *atlas, const char *scripts) {
    char folder[512];
    int64_t applied = 0, behind = 0;
    snprintf(folder, sizeof folder, "%s/release-1", scripts);
    mtdb_migrator *migrator = scripts_in(atlas, folder);
    run_verb(migrator, "migrate", &applied, &behind);
    mtdb_migrator_release(migrator);
    printf("release 1: %d scripts applied\n", (int)applied);
}

// A release is a further folder: the scripts before it stay as they were.
static void second_release(struct atlas *atlas, const char *scripts) {
    int64_t applied = 0, behind = 0, still_behind = 0;
    mtdb_migrator *migrator = scripts_in(atlas, scripts);
    run_verb(migrator, "status", &applied, &behind);
    printf("release 2: %d tenants behind\n", (int)behind);
    run_verb(migrator, "migrate", &applied, &still_behind);
    printf("release 2: %d scripts applied\n", (int)applied);
    expect(applied == behind);
    run_verb(migrator, "status", &applied, &still_behind);
    expect(still_behind == 0);
    mtdb_migrator_release(migrator);
}

static void exec(mtdb_conn *conn, const char *sql, mtdb_block *params) {
    const void *data = NULL;
    int64_t data_len = 0;
    if (params != NULL) check(mtdb_block_data(params, &data, &data_len, &err));
    check(mtdb_conn_exec(conn, sql, -1, data, data_len, MTDB_DEFAULT, NULL, NULL, &err));
}

static void add_text(mtdb_block *block, const char *text) {
    if (text != NULL)
        check(mtdb_block_add_text(block, text, -1, &err));
    else
        check(mtdb_block_add_null(block, &err));
}

static void insert_country(mtdb_conn *conn, mtdb_block *block, const struct country *country) {
    check(mtdb_block_reset(block, &err));
    add_text(block, country->code);
    add_text(block, country->name);
    check(mtdb_block_end_row(block, &err));
    exec(conn, "INSERT INTO country (code, name) VALUES (?, ?)", block);
}

static void insert_subdivisions(mtdb_conn *conn, mtdb_block *block, struct country *country, const cJSON *list) {
    static const char sql[] = "INSERT INTO subdivision (code, name, kind, parent) VALUES (?, ?, ?, ?)";
    check(mtdb_block_reset(block, &err));
    country->subdivisions = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        if (!is_of(item, country)) continue;
        add_text(block, text_of(item, "code"));
        add_text(block, text_of(item, "name"));
        add_text(block, text_of(item, "type"));
        add_text(block, text_of(item, "parent"));
        check(mtdb_block_end_row(block, &err));
        ++country->subdivisions;
    }
    if (country->subdivisions == 0) return;

    const void *data = NULL;
    int64_t data_len = 0, affected = 0;
    mtdb_stmt *stmt = NULL;
    mtdb_result *done = NULL;
    check(mtdb_block_data(block, &data, &data_len, &err));
    check(mtdb_stmt_prepare(conn, sql, -1, MTDB_DEFAULT, NULL, &stmt, &err));
    check(mtdb_stmt_bind_block(stmt, data, data_len, &err));
    check(mtdb_stmt_execute(stmt, MTDB_DEFAULT, NULL, &done, &err));
    check(mtdb_result_affected(done, &affected, &err));
    expect(affected == country->subdivisions);
    mtdb_result_release(done);
    mtdb_stmt_release(stmt);
}

static void load(struct atlas *atlas) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(atlas->subdivisions_json, "3166-2");
    int64_t rows = 0;
    mtdb_block *block = NULL;
    check(mtdb_block_new(&block, &err));
    for (int i = 0; i < atlas->count; ++i) {
        struct country *country = &atlas->countries[i];
        mtdb_conn *conn = NULL;
        check(mtdb_db_acquire(atlas->db, country->tenant, -1, NULL, MTDB_DEFAULT, NULL, &conn, &err));
        check(mtdb_tx_begin(conn, NULL, MTDB_DEFAULT, NULL, &err));
        exec(conn, "DELETE FROM subdivision", NULL);
        exec(conn, "DELETE FROM country", NULL);
        insert_country(conn, block, country);
        insert_subdivisions(conn, block, country, list);
        check(mtdb_tx_commit(conn, MTDB_DEFAULT, NULL, &err));
        check(mtdb_conn_close(conn, &err));
        mtdb_conn_release(conn);
        rows += country->subdivisions;
    }
    mtdb_block_release(block);
    expect(rows == cJSON_GetArraySize(list));
    printf("loaded %d subdivisions\n", (int)rows);
}

struct reader {
    pthread_t thread;
    struct atlas *atlas;
    atomic_int *next;  // the country that nobody has taken yet
    int64_t rows, strangers;
    mtdb_status status;
};

static mtdb_status read_country(struct reader *self, const struct country *country) {
    mtdb_conn *conn = NULL;
    mtdb_result *rows = NULL;
    int64_t seen = 0;
    mtdb_status status = mtdb_db_acquire(self->atlas->db, country->tenant, -1, NULL, MTDB_DEFAULT, NULL, &conn, NULL);
    if (status != MTDB_OK) return status;
    status = mtdb_conn_query(conn, "SELECT code FROM subdivision", -1, NULL, 0, MTDB_DEFAULT, NULL, &rows, NULL);
    while (status == MTDB_OK && (status = mtdb_result_next(rows, NULL)) == MTDB_OK) {
        ++seen;
        if (strncmp(mtdb_value_text(rows, 0, NULL), country->code, 2) != 0) ++self->strangers;
    }
    mtdb_result_release(rows);
    mtdb_conn_close(conn, NULL);
    mtdb_conn_release(conn);
    self->rows += seen;
    return status == MTDB_DONE && seen != country->subdivisions ? MTDB_INTERNAL : status;
}

static void *read_some(void *argument) {
    struct reader *self = argument;
    for (int i; self->status >= 0 && (i = atomic_fetch_add(self->next, 1)) < self->atlas->count;)
        self->status = read_country(self, &self->atlas->countries[i]);
    return NULL;
}

static void read_all(struct atlas *atlas) {
    struct reader readers[READERS] = {0};
    atomic_int next = 0;
    int64_t rows = 0;
    for (int i = 0; i < READERS; ++i) {
        readers[i] = (struct reader){.atlas = atlas, .next = &next};
        expect(pthread_create(&readers[i].thread, NULL, read_some, &readers[i]) == 0);
    }
    for (int i = 0; i < READERS; ++i) {
        pthread_join(readers[i].thread, NULL);
        check(readers[i].status);
        expect(readers[i].strangers == 0);
        rows += readers[i].rows;
    }
    printf("read %d subdivisions back in %d threads, each in its own country\n", (int)rows, READERS);
}

// Must fail, and says why.
static void show_refusal(mtdb_conn *conn, const char *sql) {
    expect(mtdb_conn_exec(conn, sql, -1, NULL, 0, MTDB_DEFAULT, NULL, NULL, &err) < 0);
    printf("in fr, %s: %s\n", sql, mtdb_error_message(err));
    mtdb_error_release(err);
}

static int64_t count(mtdb_conn *conn, const char *sql) {
    mtdb_result *row = NULL;
    check(mtdb_conn_query(conn, sql, -1, NULL, 0, MTDB_DEFAULT, NULL, &row, &err));
    expect(check(mtdb_result_next(row, &err)) == MTDB_OK);
    const int64_t rows = mtdb_value_int64(row, 0);
    mtdb_result_release(row);
    return rows;
}

// The name that would lead to Germany. Tenants in a folder are out of each other's reach. On a server, what a login may
// read is the server's to say.
static void show_full_name(mtdb_conn *conn, const char *url) {
    static const char sql[] = "SELECT name FROM de.country";
    struct stat place;
    const bool folder = stat(url, &place) == 0 && S_ISDIR(place.st_mode);
    if (folder || mtdb_conn_exec(conn, sql, -1, NULL, 0, MTDB_DEFAULT, NULL, NULL, NULL) < 0)
        show_refusal(conn, sql);
    else
        printf("in fr, %s: the server answered, all tenants share one login; against hostile SQL give each its own "
               "(tenant.user)\n",
               sql);
}

// France tries to look at Germany.
static void show_isolation(struct atlas *atlas, const char *url) {
    mtdb_conn *conn = NULL;
    check(mtdb_db_acquire(atlas->db, "fr", -1, NULL, MTDB_DEFAULT, NULL, &conn, &err));
    expect(count(conn, "SELECT COUNT(*) FROM country WHERE code = 'FR'") == 1);
    expect(count(conn, "SELECT COUNT(*) FROM country") == 1);
    expect(count(conn, "SELECT COUNT(*) FROM subdivision WHERE code LIKE 'DE-%'") == 0);
    show_refusal(conn, "ATTACH DATABASE 'de.db' AS de");
    show_full_name(conn, url);
    check(mtdb_conn_close(conn, &err));
    mtdb_conn_release(conn);
}

static void print_kinds(struct atlas *atlas, const char *tenant) {
    mtdb_result *row = NULL;
    check(mtdb_db_query(atlas->db, tenant, -1, "SELECT name, subdivisions FROM kind ORDER BY subdivisions DESC", -1,
                        NULL, 0, MTDB_DEFAULT, NULL, &row, &err));
    printf("  %s:", tenant);
    while (check(mtdb_result_next(row, &err)) == MTDB_OK)
        printf(" %d x %s;", (int)mtdb_value_int64(row, 1), mtdb_value_text(row, 0, NULL));
    puts("");
    mtdb_result_release(row);
}

static void print_figures(struct atlas *atlas) {
    mtdb_result *figures = NULL;
    puts("the pool's figures");
    check(mtdb_db_stats(atlas->db, &figures, &err));
    while (check(mtdb_result_next(figures, &err)) == MTDB_OK) {
        const long long value = mtdb_value_int64(figures, 2);
        if (value != 0)
            printf("  %-28s %10lld %s\n", mtdb_value_text(figures, 0, NULL), value, mtdb_value_text(figures, 1, NULL));
    }
    mtdb_result_release(figures);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: %s URL [DATA [SCRIPTS]]\n", argv[0]);
        return EXIT_FAILURE;
    }
    const char *scripts = argc > 3 ? argv[3] : ATLAS_SCRIPTS;
    struct atlas atlas = {0};
    read_countries(&atlas, argc > 2 ? argv[2] : "/usr/share/iso-codes/json");
    open_db(&atlas, argv[1]);

    printf("%d countries, %d new tenants\n", atlas.count, create_tenants(&atlas));
    first_release(&atlas, scripts);
    load(&atlas);
    read_all(&atlas);
    show_isolation(&atlas, argv[1]);
    second_release(&atlas, scripts);
    print_kinds(&atlas, "fr");
    print_kinds(&atlas, "jp");
    print_figures(&atlas);

    check(mtdb_db_close(atlas.db, MTDB_DEFAULT, NULL, NULL, &err));
    mtdb_db_release(atlas.db);
    free(atlas.countries);
    cJSON_Delete(atlas.countries_json);
    cJSON_Delete(atlas.subdivisions_json);
    printf("the atlas is complete: every country in its own tenant\n");
    return EXIT_SUCCESS;
}
