"""Looks through a dataset before anybody trains on it: balance, light, repeats, likely wrong labels.

Whoever may ask is decided where it is asked. The report never shows an image, a label or a count by
class of a hidden split: it is a file, and files are passed on (ADR 0025).
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner import blobs
from runner.datasets.quality import drawing, page
from runner.datasets.quality.findings import Looked, look
from runner.datasets.quality.reading import from_archive, from_folder
from runner.datasets.quality.subject import Subject, frozen
from runner.errands import DatasetErrand, Made
from runner.failures import Refusal
from runner.plain_text import cleaned
from runner.report.style import Picture

if TYPE_CHECKING:
    from runner.desk import Desk

_ALT = 900  # letters of a text alternative
_WHAT = 160
_ROWS = 25


@dataclass(frozen=True)
class Report:
    """What was found, as a picture, a page, words and a table."""

    looked: Looked
    picture: Picture
    page: str
    words: str
    rows: tuple[tuple[str, ...], ...]
    figures: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        """Return what a program may want of it."""
        findings = [
            {"what": f.what, "where": f.where, "count": f.count, "grave": f.grave, "fix": f.advice}
            for f in self.looked.findings
        ]
        return {"words": self.words, "figures": self.figures, "findings": findings}

    def as_text(self) -> str:
        """Return what a person reads in a terminal."""
        lines = [drawing.amounts(self.looked.subject), drawing.headline(self.looked)]
        for f in self.looked.findings:
            mark = "!" if f.grave else " "
            what, where = cleaned(f.what, _WHAT), cleaned(f.where, 60)
            lines += [f"{mark} {f.count:>6,} {what} ({where})", f"         {f.advice}"]
        return "\n".join(lines)


def carry_out(desk: "Desk", errand: DatasetErrand) -> Made:
    """Look through the dataset of an errand.

    Raises Refusal: E_RUNNER_DATASET, E_ARCHIVE, E_DATASET_FORM, E_RUNNER_UNSAFE.
    """
    if errand.archive is not None:
        subject = from_archive(desk.file(errand.archive), errand.name or "your archive")
    elif errand.dataset:
        subject = frozen(desk.datasets, errand.dataset)
    else:
        raise Refusal("E_RUNNER_DATASET", got="neither a dataset nor an archive")
    report = written(subject)
    return Made(
        artifacts=(
            blobs.store(
                desk.files,
                report.picture.png,
                name="dataset.png",
                media_type="image/png",
                alt=cleaned(report.picture.alt, _ALT),
            ),
            blobs.store(
                desk.files, report.page.encode(), name="dataset.html", media_type="text/html"
            ),
        ),
        words=report.words,
        figures=report.figures,
        rows=report.rows,
    )


def offline(what: str, datasets: Path | None) -> Report:
    """Look through a folder, an archive or, in ``datasets``, a version. Raises Refusal.

    A folder is one's own, and read without walls; an archive may have come from anywhere.
    """
    path = Path(what)
    if path.is_dir():
        return written(from_folder(path, path.resolve().name))
    if path.is_file():
        return written(from_archive(path, path.name))
    if datasets is None:
        raise Refusal(
            "E_DATASET_FORM", f"There is no {what}.", got="no file or folder of that name",
            fix="Name a folder or an archive; for the key of a version, add --datasets FOLDER.",
        )  # fmt: skip
    return written(frozen(datasets, what))


def written(subject: Subject) -> Report:
    """Look through a dataset and write down what is found."""
    looked = look(replace(subject, name=cleaned(subject.name, 80)))
    findings = looked.findings
    rows = [
        (cleaned(f.what, _WHAT), cleaned(f.where, 60), f"{f.count:,}") for f in findings[:_ROWS]
    ]
    return Report(
        looked,
        drawing.draw_card(looked),
        page.render(looked),
        cleaned(_words(looked), _ALT),
        (("Found", "Where", "How many"), *rows) if rows else (),
        {
            "images": float(subject.total),
            "findings": float(len(findings)),
            "grave": float(sum(finding.grave for finding in findings)),
        },
    )


def _words(looked: Looked) -> str:
    """Return the gravest finding with what to do about it."""
    about = f"{drawing.amounts(looked.subject)}. {drawing.headline(looked)}."
    if not looked.findings:
        return f"{about} No duplicates, nothing unreadable, no label that its image speaks against."
    first = looked.findings[0]
    return f"{about} First: {first.count:,} {first.what} ({first.where}). {first.advice}"
