"""Classifiers from many pictures and few labels."""
