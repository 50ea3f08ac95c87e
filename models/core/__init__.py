"""What every part stands on: errors, files, callbacks, names, one-time set-up, cores of the CPU."""
