"""Super-resolution: pictures made larger, and the training of what does it."""
