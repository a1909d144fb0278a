-- The country that this tenant is.
CREATE TABLE country (
    code VARCHAR(2) NOT NULL PRIMARY KEY,
    name VARCHAR(200) NOT NULL
);
