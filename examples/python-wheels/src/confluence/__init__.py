"""Merges sorted sequences of integers, in C."""

from ._merge import built_for, merge

__all__ = ["built_for", "merge"]
