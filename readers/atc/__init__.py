"""AliveCor's ATC, the recordings of KardiaMobile."""
