"""What people call: inference on frames and videos, overlay videos. Imports nothing on purpose."""
