"""What is promised to the outside, listed in text files: a change of the contract is seen in review."""
