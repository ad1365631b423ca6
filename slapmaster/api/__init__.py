"""Faces for programs: one package per protocol; they share how nodes and instances are shown."""
