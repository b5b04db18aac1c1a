"""What is learned from real music: features of windows of it, the judge of style, the referee, what detects attacks."""
