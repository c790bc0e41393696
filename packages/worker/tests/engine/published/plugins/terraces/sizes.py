"""How high a step is."""

STEP = 0.25
