"""Before training: what is on disk is checked, and what cannot be read in place is converted. Imports no torch."""
