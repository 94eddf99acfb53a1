"""Measurements that can be repeated: accuracy and speed."""
