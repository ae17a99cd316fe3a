"""What people read about a stack and its project: plan, drift, history and promotion, and what ls, show and doctor
print; and the files that pull writes.
"""
