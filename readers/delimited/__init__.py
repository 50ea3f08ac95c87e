"""Text tables (CSV, TSV, white space) in the layouts of recorders, spreadsheets and programs."""
