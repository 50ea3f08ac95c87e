"""ECGs on paper: scans, photographs and pages of a PDF."""
