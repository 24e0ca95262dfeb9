"""The terms and conditions, to be read by everybody."""
