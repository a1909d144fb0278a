-- How many subdivisions there are of each kind.
CREATE TABLE kind (
    name VARCHAR(100) NOT NULL PRIMARY KEY,
    subdivisions INTEGER NOT NULL
);
INSERT INTO kind (name, subdivisions) SELECT kind, COUNT(*) FROM subdivision GROUP BY kind;
