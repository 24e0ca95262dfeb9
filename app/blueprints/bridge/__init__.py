"""Where pages introduce their reader bridge, and a bridge is told whom to trust."""
