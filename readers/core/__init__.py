"""Shared basics: reader errors, decoding guards, one-time set-up, file and lead names."""
