"""How far a model's confidence can be believed, as a picture."""

from runner.contract import Calibration
from runner.report.style import (
    HEAD,
    LINE,
    RIGHT,
    SOFT,
    TEXT,
    WRONG,
    Box,
    Picture,
    axes_in,
    card,
    percent,
    picture,
)

_SIDE = 3.6
_CLOSE = 0.02  # an ECE below this is nothing to mend
_SAME = 0.05  # a temperature this near to 1 changes nothing


def draw(calibration: Calibration, *, images: int) -> Picture:
    """Return the reliability plot of ``calibration``: confidence against what was right.

    Guo et al. (2017), On Calibration of Modern Neural Networks, ICML.
    """
    figure = card(
        _SIDE + 1.5,
        _SIDE + HEAD + 1.65,
        title=f"Calibration error {percent(calibration.ece)}",
        subtitle=f"dev: {images} images, by how sure the model was",
    )
    axes = axes_in(figure, Box(0.95, 1.55, _SIDE, _SIDE))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.grid(color=LINE, linewidth=0.8)
    axes.plot([0, 1], [0, 1], "--", color=SOFT, linewidth=1)
    axes.set_ylabel("how often it was right", fontsize=TEXT)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], [])
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    below = axes_in(figure, Box(0.95, 0.75, _SIDE, 0.65))
    below.set_xlim(0, 1)
    below.set_xlabel("how sure it was", fontsize=TEXT)
    below.set_ylabel("images", fontsize=TEXT)
    below.set_yticks([])
    below.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    filled = [found for found in calibration.bins if found[2]]
    width = 1 / max(len(calibration.bins), 15)
    for confidence, accuracy, count in filled:
        # The gap to the diagonal is the message: it is drawn, in the colour of what is wrong.
        axes.plot([confidence, confidence], [accuracy, confidence], color=WRONG, linewidth=2.5)
        below.bar(confidence, count, width=width * 0.8, color=RIGHT)
    axes.plot([f[0] for f in filled], [f[1] for f in filled], "o", color=RIGHT, markersize=5.5)
    return picture(figure, words(calibration))


def words(calibration: Calibration) -> str:
    """Return what the plot shows, and what would mend it, in words."""
    filled = [found for found in calibration.bins if found[2]]
    images = sum(count for *_, count in filled)
    lean = sum((c - a) * count for c, a, count in filled) / images if images else 0.0
    way = "surer than it is right" if lean > 0 else "less sure than it is right"
    said = f"Expected calibration error {percent(calibration.ece)}"
    if calibration.ece < _CLOSE:
        return f"{said}: confidence can be believed."
    said += f": on average it is {way}"
    if filled:
        confidence, accuracy, count = max(filled, key=lambda f: abs(f[0] - f[1]) * f[2])
        said += f", most where it was {percent(confidence)} sure and {percent(accuracy)} right"
        said += f" ({count} image{'s' if count != 1 else ''})"
    if abs(calibration.temperature - 1) > _SAME and calibration.ece_after < calibration.ece:
        said += (
            f". Dividing the logits by {calibration.temperature:.2f} makes it "
            f"{percent(calibration.ece_after)} on images that did not choose the divisor"
        )
    return f"{said}."
