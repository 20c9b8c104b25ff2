"""Crosswind measured against its peers. `make bench` runs `benchmarks.run`; see README.md here."""
