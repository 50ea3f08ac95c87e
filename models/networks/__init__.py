"""Networks: registry, building blocks and losses."""
