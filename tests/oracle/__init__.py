"""The oracle: random statements, answered by a source and by the engine alone, must agree."""
