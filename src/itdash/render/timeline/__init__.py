"""The run over time: the part that is seen, its lanes, and what is under the cursor."""
