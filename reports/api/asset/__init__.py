"""The values and the schedule of one asset, as series and as pictures."""
