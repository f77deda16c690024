module gossamer/perf/peers/go

go 1.26
