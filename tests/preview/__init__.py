"""How messages look on Discord and on Slack: ``make preview`` draws them side by side on one page.

It draws what is really sent (components, blocks), as the platforms' own clients do, closely enough
to see what reads badly: what breaks, what is cut, what is too wide for a phone.
"""
