"""Two annotations of one recording compared as ANSI/AAMI EC57:2012 defines it: beats, runs, and episodes of AF and VF.

The comparisons follow ``bxb``, ``rxr``, ``epicmp`` and ``sumstats`` of the WFDB Software Package (Moody GB, WFDB
Applications Guide, "Evaluating ECG analyzers"), so that the counts are theirs on the same files; docs/ec57.md says
where they differ and why.
"""
