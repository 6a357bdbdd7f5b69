"""Commands on scores: evaluate, compare, report, summary, history."""
