"""Benchmarks, side by side with SlapProxy; run by ``python -m tests.bench``, never by pytest."""
