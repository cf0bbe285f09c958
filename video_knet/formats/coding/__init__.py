"""How labels are coded: segments in PNG files, lists of segments in json, run-length codes, maps of objects."""
