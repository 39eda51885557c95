"""Values over time as pictures: the geometry alone, as paths of an SVG. Pure."""
