"""What a checkpoint says of recordings and pictures, beyond its network: classified, scored, judged, told."""
