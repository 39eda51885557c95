"""Imports as they happen: preview, answers, commit, undo. They write a household's rows by the services of assets."""
