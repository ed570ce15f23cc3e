"""What a function returned as the HTTP response that each front end makes of it: pure, one file for each format."""
