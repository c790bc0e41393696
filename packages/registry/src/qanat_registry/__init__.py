"""Who is there and what they offer: the registry of workers and its catalogue."""
