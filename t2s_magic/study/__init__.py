"""Measuring: question sets, execution accuracy, intervals."""
