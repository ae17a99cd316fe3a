"""How long things take, and how many requests they cost. Tests assert no time; this prints it."""
