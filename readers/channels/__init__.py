"""What follows every reader: which channels are an ECG, what they are called, in which unit, and what is time."""
