"""The people: complaints, work orders, notices."""
