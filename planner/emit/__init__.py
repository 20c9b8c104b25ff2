"""Relation trees -> SQL for one source: `select` builds it, a dialect says what may go."""
