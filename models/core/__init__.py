"""Shared basics: errors, files, callbacks, names, one-time set-up, CPU cores."""
