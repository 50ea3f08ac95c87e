"""ECGs on paper: scans, photographs and PDF pages."""
