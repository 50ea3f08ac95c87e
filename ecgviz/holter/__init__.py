"""The numbers of a Holter report: from the beats, rhythms and signal quality of a recording, edited or as the network
gave them. Nothing here reads a network."""
