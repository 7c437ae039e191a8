"""The report behind a card: the card's picture first, then one standalone HTML file.

The file loads nothing, runs nothing and can be printed. What members and models wrote is escaped by
the template; what hidden splits would tell is not in it: see ``evidence`` and ``secrecy``.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from runner import blobs
from runner.contract import Artifact, SplitScore
from runner.errands import Analysed, Made, ReportErrand
from runner.plain_text import cleaned
from runner.report import against, classes, curves, gallery, reliability, words
from runner.report.html import Page, Shot, Told, render
from runner.report.secrecy import dev_score, released, told
from runner.report.sections import Sections, draw_card
from runner.report.style import Picture
from runner.report.thumbnails import thumbnail
from runner.report.worst import Mistake

if TYPE_CHECKING:
    from runner.desk import Desk

_ALT = 900  # letters of a picture's text alternative in the chat


def carry_out(desk: "Desk", errand: ReportErrand) -> Made:
    """Draw the card's picture and write the page. Raises Refusal where its files are not here."""
    sections = Sections(desk, errand)
    picture = draw_card(sections)
    compared = against.rows(desk, errand)
    page = render(_page(sections, picture, compared))
    return Made(
        artifacts=(
            stored(desk, "report.png", picture),
            blobs.store(desk.files, page.encode(), name="report.html", media_type="text/html"),
        ),
        words=cleaned(_words(errand), _ALT),
        rows=compared,
    )


def stored(desk: "Desk", name: str, picture: Picture) -> Artifact:
    """Put a picture where the chat finds it, with an alternative that pings nobody."""
    return blobs.store(
        desk.files, picture.png, name=name, media_type="image/png", alt=cleaned(picture.alt, _ALT)
    )


def _words(errand: ReportErrand) -> str:
    dev = dev_score(errand)
    return words.headline(dev) if dev else ""


def _page(sections: Sections, picture: Picture, compared: against.Rows) -> Page:
    errand = sections.errand
    lead = next(iter(told(errand)), None)
    return Page(
        title=errand.title,
        task=errand.task,
        submission=errand.submission,
        who=errand.who,
        lead=_lead(errand, lead) if lead else None,
        verdict=words.verdict(errand.verdict, errand.metric),
        unsandboxed=errand.tier == "none",
        warnings=errand.warnings,
        figures=_figures(errand),
        meanings=_meanings(errand),
        against=compared,
        picture=picture,
        **_dev_parts(sections),
        cost=_cost(errand),
        config=errand.config,
        notes=errand.notes,
        provenance=_provenance(sections),
    )


def _dev_parts(sections: Sections) -> dict[str, Any]:
    """Return what the page shows of dev; empty parts where there is none."""
    dev, mistakes = sections.dev, sections.mistakes
    calibration = dev.calibration if dev else None
    return {
        "confused": [(true, said, f"{n:,}") for true, said, n in dev.confused] if dev else (),
        "tide": curves.errors(sections.detections) if sections.detections else None,
        "classes": dev.classes if dev else (),
        "reliability": (
            reliability.draw(calibration, images=dev.images) if dev and calibration else None
        ),
        "slices": dev.slices if dev else (),
        "slices_picture": (
            classes.draw_slices(dev.metrics[0].name, dev.slices) if dev and dev.slices else None
        ),
        "mistakes": None if mistakes is None else _shots(sections, mistakes),
        "mistakes_words": _mistakes_words(sections),
        "diff_words": sections.difference(),
        "diff_picture": _against(sections),
        "broken": _shots(sections, sections.broken()),
        "analyses": [_analysed(sections.desk, found) for found in sections.errand.analyses],
    }


def _analysed(desk: "Desk", found: Analysed) -> Told:
    made = found.made
    pictures = [
        Picture(desk.file(artifact.sha256).read_bytes(), artifact.alt)
        for artifact in made.artifacts
        if artifact.media_type == "image/png"
    ]
    return Told(found.heading, made.words, pictures, made.rows)


def _shots(sections: Sections, mistakes: Sequence[Mistake]) -> list[Shot]:
    assert sections.evidence is not None or not mistakes
    return [
        Shot(m.image, m.words, thumbnail(sections.evidence, m.image, sections.detections))
        for m in mistakes
        if sections.evidence is not None
    ]


def _mistakes_words(sections: Sections) -> str:
    if not sections.mistakes or sections.evidence is None:
        return ""
    legend = gallery.legend_of(sections.evidence)
    return f"{len(sections.mistakes)} of {words.count(len(sections.evidence), 'image')}; {legend}."


def _against(sections: Sections) -> Picture | None:
    if sections.dev is None or sections.before is None:
        return None
    return classes.draw_against(
        sections.dev.metrics,
        sections.scores_before(),
        previous=sections.errand.previous_submission or "the best before",
    )


def _lead(errand: ReportErrand, score: SplitScore) -> tuple[str, str]:
    dev = dev_score(errand)
    if dev is None:
        if not released(errand, score):
            return "", ""
        metric = released(errand, score)[0]
        return words.figure(metric), words.headline(score.model_copy(update={"metrics": (metric,)}))
    return words.figure(dev.metrics[0]), words.headline(dev)


def _figures(errand: ReportErrand) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for score in told(errand):
        split = f"{score.split} ({score.images:,})"
        shown = released(errand, score)
        if not shown:
            metric = words.title(score.metrics[0].name)
            rows.append((metric, split, "not released", "no significant improvement"))
        rows += [
            (
                words.title(metric.name),
                split,
                words.figure(metric),
                words.interval(metric) or "not known",
            )
            for metric in shown
        ]
    return rows


def _meanings(errand: ReportErrand) -> list[tuple[str, str]]:
    names = dict.fromkeys(m.name for score in told(errand) for m in score.metrics)
    return [(words.title(n), words.MEANINGS[n]) for n in names if n in words.MEANINGS]


def _cost(errand: ReportErrand) -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str]] = []
    if speed := errand.speed:
        rows += [
            ("Latency, typical", f"{speed.p50_ms:.3g} ms", "one image at a time: half are faster (p50)"),
            ("Latency, slow", f"{speed.p95_ms:.3g} ms", "one image in twenty takes longer (p95)"),
            ("Throughput", f"{speed.images_per_second:,.0f} images/s", "in batches, from stored pixels to answers"),
            ("Efficiency", f"{100 * speed.efficiency:.0f} %", f"of the {speed.limit_per_second:,.0f} images/s that the model alone reaches here"),
            ("Where", f"{speed.hardware}", words.count(speed.threads, "thread")),
        ]  # fmt: skip
    if model := errand.model:
        rows += [
            ("Parameters", words.amount(model.parameters), "numbers that were learnt"),
            ("File", words.size(model.size), "on disk"),
            ("Computation", f"{words.amount(model.flops)} FLOPs" if model.flops else "not known", "for one image, two for each multiply-add"),
            ("Memory", f"{model.memory_mb:,} MB" if model.memory_mb else "not known", "at most, while predicting"),
            ("Input", model.input, "what it was fed"),
        ]  # fmt: skip
    return rows


def _provenance(sections: Sections) -> list[tuple[str, str]]:
    errand, manifest = sections.errand, sections.manifest
    model = errand.model
    made_with = f"{model.format}, opset {model.opset}" if model and model.opset else ""
    rows = [
        ("Submission", errand.submission),
        ("Model, sha256", errand.model_sha256),
        ("Model, format", made_with or (model.format if model else "")),
        ("Model, made with", model.producer if model else ""),
        ("Predictions on dev, sha256", errand.dev or ""),
        ("Dataset version", errand.dataset),
        ("Images", errand.benchmark_image or manifest.source),
        ("Licence", manifest.licence),
        ("Ranking metric", f"{errand.metric}, version {errand.metric_version}"),
        ("Seeds", "0 for every bootstrap: the same predictions give the same intervals"),
        ("Runner", errand.runner),
        ("Sandbox tier", errand.tier),
        ("Compared with", errand.previous_submission),
        *((f"Version of {name}", version) for name, version in sorted(errand.versions.items())),
    ]
    return [(name, value) for name, value in rows if value]
