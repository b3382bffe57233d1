module github.com/emend/emend/bench

go 1.26.0

require (
	github.com/emend/emend v0.0.0
	github.com/google/renameio/v2 v2.0.2
	golang.org/x/sys v0.49.0
)

require (
	github.com/klauspost/cpuid/v2 v2.2.10 // indirect
	github.com/zeebo/xxh3 v1.1.0 // indirect
)

replace github.com/emend/emend => ../
