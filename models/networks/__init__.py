"""The networks, the table that they are created from, their building blocks and losses."""
