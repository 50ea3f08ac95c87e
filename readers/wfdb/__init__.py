"""WFDB records: headers, signal files of all formats, annotations, checksums."""
