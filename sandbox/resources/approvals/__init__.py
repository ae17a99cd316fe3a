"""Changes that wait: scheduled changes, change requests and the policies that ask for them."""
