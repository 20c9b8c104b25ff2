"""Relation trees -> SQL for one source: `select` builds the statement, a dialect says what may go."""
