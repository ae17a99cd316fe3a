"""What gets a checkout ready and measures it; nothing that applies definitions imports it."""
