"""What music research measures of pieces and of sets of pieces; each number with its definition and source."""
