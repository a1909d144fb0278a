module github.com/mtdb/mtdb/bindings/go

go 1.26
