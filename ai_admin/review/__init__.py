"""What people read: reference, and whatever else is written for reviewers and operators."""
