"""Archives: safe unpacking of zips and of single files compressed with gzip, bzip2 or xz."""
