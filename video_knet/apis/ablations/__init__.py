"""Tables 1 and 7 of the paper, measured on a synthetic world in which appearance says which object is which."""
