module github.com/mtdb/mtdb/examples/go

go 1.26

require github.com/mtdb/mtdb/bindings/go v0.0.0

replace github.com/mtdb/mtdb/bindings/go => ../../bindings/go
