"""The demo's world of shapes: images with boxes and masks, and two first entries for each task.

scikit-learn is imported only where the entries are fitted, by the command that makes these files.
"""
