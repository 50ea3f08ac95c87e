"""Files around files: zips, unpacked safely, and single files compressed by gzip, bzip2 or xz."""
