module github.com/mtdb/mtdb/bindings/go/migrate

go 1.26

require github.com/mtdb/mtdb/bindings/go v0.0.0

require github.com/golang-migrate/migrate/v4 v4.20.1

replace github.com/mtdb/mtdb/bindings/go => ../
