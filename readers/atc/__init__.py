"""AliveCor ATC, the format of KardiaMobile."""
