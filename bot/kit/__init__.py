"""All that a feature may use. Knows no feature and no chat platform."""
