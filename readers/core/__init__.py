"""What all floors share: errors of files, what a decoder raises for damage, set-up done once, names as text."""
