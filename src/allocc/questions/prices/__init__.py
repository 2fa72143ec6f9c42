"""What one more of each limit is worth."""
