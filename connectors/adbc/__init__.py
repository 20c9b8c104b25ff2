"""Connectors over ADBC drivers, one package each."""
