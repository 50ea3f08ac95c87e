"""DICOM waveforms, and the header of any DICOM file; DICOM pictures are read by readers.images.dicom."""
