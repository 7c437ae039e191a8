"""Analyses that must run the model: robustness, saliency, quantisation. They see no label.

``runner.analyses.running.run`` answers with files; whoever has the labels makes figures of them
afterwards.

robustness
    ``robustness.json``: {"version": 1, "images": [places in dev, k of them], "variants":
    [{"corruption": "noise", "severity": 1, "file": "robustness-noise-1.npy"}, …]}; the first
    variant is {"corruption": "none", "severity": 0}.
    ``robustness-<corruption>-<severity>.npy``: the model's rows [k, …] (``runner.tasks.rows``) on
    the corrupted images. ``runner.report.robustness`` makes accuracies or mIoU of them.

saliency (classification only)
    ``saliency.json``: {"version": 1, "images": [places in dev, k], "classes": [the class explained,
    k], "confidence": [its probability on the whole image, k], "methods": {"occlusion": METHOD,
    "rise": METHOD}, "fractions": [share of pixels deleted, s]}, with METHOD = {"file":
    "saliency-occlusion.npy", "deletion_auc": [k], "curve": [k][s]}; besides {"random":
    {"deletion_auc": [k], "curve": [k][s]}}: the same with pixels deleted in random order. A map
    that is worth something has a smaller AUC than random.
    ``saliency-<method>.npy``: float32 [k, h, w], 0 to 1, larger where the class depends on it.

quantize (ONNX only)
    ``quantize.json``: {"version": 1, "variants": [VARIANT, …], "images": n, "calibration": how many
    of them} with VARIANT = {"name": "float" | "static" | "dynamic", "size": bytes, "p50_ms",
    "p95_ms", "images_per_second", "predictions": "quantize-static.npy", "model":
    "model-static.onnx", "failure": ""}; a variant that failed has only "name" and "failure", in
    words.
    ``quantize-<name>.npy``: rows [n, …] on dev. ``model-static.onnx``, ``model-dynamic.onnx``: the
    quantised files, which are the member's to keep.

Options (``Evaluation.options``), all of them words: ``images`` ("3,17,40": places in dev; saliency
and robustness), ``seed``.
"""
