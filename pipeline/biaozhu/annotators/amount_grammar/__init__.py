"""Parts of the amount grammar in `annotators.amounts`: its forms, what stands around an amount, and what only looks like one."""
