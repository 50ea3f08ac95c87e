"""Sources of recordings and pictures: addresses, uploads, PhysioNet, samples."""
