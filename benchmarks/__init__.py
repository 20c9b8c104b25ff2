"""Crosswind measured against its peers. `make bench` runs `benchmarks.run`; see README.md here."""

# What it sets for the allocators comes before the engine is loaded, as in `crosswind serve`.
import flight_server  # noqa: F401
