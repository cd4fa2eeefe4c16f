"""Two runs side by side, row by row: `wb compare`, and `wb gate` for CI."""
