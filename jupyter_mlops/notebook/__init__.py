"""The only IPython code: what happens before and after a cell."""
