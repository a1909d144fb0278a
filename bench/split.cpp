// SPDX-License-Identifier: MIT
// Cutting 10 MB of SQL as it is written into statements, for each grammar; against memchr() over the same bytes. The
// one benchmark of a part inside: no call of the library does this alone.
#include "migrate/split.hpp"

#include <time.h>

#include <cstring>

#include "backends/registry.hpp"
#include "db/url.hpp"
#include "engine/options.hpp"
#include "harness.hpp"

namespace bench {
namespace {

constexpr std::size_t bytes = 10 << 20;
constexpr int rounds = 9;

constexpr const char* both = R"(
-- Orders: one row per basket that was paid for; see the handbook, chapter 4.
CREATE TABLE orders_%(
    id         INTEGER PRIMARY KEY,
    customer   INTEGER NOT NULL REFERENCES customer_%(id),
    placed_at  TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    note       VARCHAR(400), -- what the customer wrote; it's shown as it is
    total      NUMERIC(12, 2) NOT NULL CHECK (total >= 0)
);
CREATE INDEX orders_%_customer ON orders_%(customer, placed_at);
/* Prices before the change of currency:
   kept for the invoices of that year. */
ALTER TABLE orders_% ADD COLUMN currency CHAR(3) NOT NULL DEFAULT 'EUR';
INSERT INTO orders_%(id, customer, note, total, currency) VALUES
    (1, 17, 'Please ring the bell; the dog is friendly.', 129.90, 'EUR'),
    (2, 23, 'Don''t leave it at the door', 18.00, 'EUR'),
    (3, 42, NULL, 7.25, 'CHF'),
    (4, 99, 'Second try: the first parcel -- number 8812 -- was lost', 56.10, 'EUR');
UPDATE orders_% SET total = total * 1.19, note = coalesce(note, 'none')
    WHERE currency = 'EUR' AND placed_at < '2020-01-01';
CREATE VIEW open_orders_% AS SELECT o.id, o.total, c.name AS "customer name" FROM orders_% o
    JOIN customer_% c ON c.id = o.customer
    WHERE o.total > 0 AND NOT EXISTS (SELECT 1 FROM payment_% p WHERE p.order_id = o.id);
)";
constexpr const char* of_postgres = R"(
CREATE OR REPLACE FUNCTION touch_%() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF NEW.total IS DISTINCT FROM OLD.total THEN
        NEW.placed_at := now();  -- 'changed'
    END IF;
    RETURN NEW;
END
$body$;
)";
constexpr const char* of_mysql = R"(
DELIMITER //
CREATE PROCEDURE tidy_%() BEGIN
    DELETE FROM orders_% WHERE total = 0; # nothing was bought
    UPDATE orders_% SET note = 'it\'s old' WHERE placed_at < '2010-01-01';
END//
DELIMITER ;
)";
constexpr const char* of_sqlite = R"(
CREATE TRIGGER touch_% AFTER UPDATE ON orders_% BEGIN
    UPDATE [orders_%] SET placed_at = CASE WHEN NEW.total > 0 THEN CURRENT_TIMESTAMP END WHERE id = NEW.id;
END;
)";

std::string text_of(const char* own) {
    std::string text;
    for (int number = 1000; text.size() < bytes; ++number)
        for (const char* part : {both, own})
            for (const char* at = part; *at != '\0'; ++at)
                *at == '%' ? void(text += std::to_string(number)) : void(text += *at);
    return text;
}

// Of this thread alone: others that take the processor meanwhile count on neither side.
double processor_ms() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

template <class Work>
double spent(Work&& work) {
    const double start = processor_ms();
    work();
    return processor_ms() - start;
}

void measure(const char* name, const char* url, const char* own) {
    const mtdb::db::Url parsed = mtdb::db::Url::parse(url);
    const auto backend = mtdb::backends::open(parsed, mtdb::engine::Options());
    const std::string text = text_of(own);
    std::size_t pieces = 0;
    const Figures figures = in_turns(
        rounds,
        [&] { return spent([&] { pieces += mtdb::migrate::split(text, backend->dialect()).pieces.size(); }); },
        [&] {
            return spent([&] { pieces += std::memchr(text.data(), '\x01', text.size()) != nullptr ? 1 : 0; });
        });
    if (pieces < text.size() / 500) fail("too few statements");
    print("split", std::string(name) + ", 10 MB; memchr()", "CPU ms", figures.ours, figures.peer, figures.ratio(),
          at_most(60));
}

}  // namespace

void split() {
    measure("pg", "postgres://localhost/", of_postgres);
    measure("my", "mysql://localhost/", of_mysql);
    measure("sqlite", "sqlite::memory:", of_sqlite);
}

}  // namespace bench
