CREATE TABLE subdivision (
    code VARCHAR(10) NOT NULL PRIMARY KEY,
    name VARCHAR(200) NOT NULL,
    kind VARCHAR(100) NOT NULL,
    parent VARCHAR(10)
);
CREATE INDEX subdivision_kind ON subdivision (kind);
