"""Loads what happened to assets, and calculates lots, gains and returns: a function for each answer."""
