"""The shared vocabulary: what a site, a point, a sample, an alarm, an order are. Imports nothing of ours."""
