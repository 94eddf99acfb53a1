"""The console measured and pictured in a real Chromium."""
