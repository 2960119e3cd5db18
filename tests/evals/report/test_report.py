"""The report of real runs: complete, self-contained, and drawn by a browser where there is one."""

import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from evals.audit.batch_drift import summarise
from evals.audit.loopback import Fault, FaultyServer, serve
from evals.audit.run import AuditConfig, run_audit
from evals.audit.targets.openai_compatible import OpenAICompatible
from evals.measure.accuracy import run_accuracy
from evals.measure.rates import rate
from evals.report.html import load, render, write_report
from evals.report.markdown import render as render_markdown
from evals.report.tables import ACCURACY_SCORES, GROUP_SCORES, group_rows, score_rows
from evals.runs.config import AccuracyConfig
from evals.runs.provenance import provenance
from evals.runs.subjects import provenance_of
from tests.evals.small import EXACT, LAZY


@pytest.fixture(scope="module")
def folders(tmp_path_factory, tiny_folder):
    root = tmp_path_factory.mktemp("report")
    cases = [*EXACT, *LAZY[:2]]
    config = AccuracyConfig(out=root / "accuracy", model=tiny_folder, threads=1)
    run_accuracy(config, cases, provenance_of(tiny_folder))
    for fault in (Fault.NONE, Fault.BATCH_DEPENDENT):
        with serve(FaultyServer(fault)) as url:
            config = AuditConfig(out=root / fault, backend="openai", repeats=8, concurrencies=(2, 4))
            run_audit(config, OpenAICompatible(url, f"loopback <{fault}>"), provenance(None, "loopback"))
    return [root / "accuracy", root / Fault.NONE, root / Fault.BATCH_DEPENDENT]


@pytest.fixture(scope="module")
def page(folders):
    return render([load(folder) for folder in folders], title="Tests & <pictures>")


def test_rows_of_scores_state_the_bound_where_nothing_failed_and_leave_out_what_was_not_scored():
    none, some, unscored = (
        rate(flags).model_dump() for flags in ([False] * 50, [True, True, True, False], [])
    )
    scores = {key: unscored for _, key in ACCURACY_SCORES}
    scores |= {"byte_exact": some, "refused": none, "leaked_placeholders": none}
    assert score_rows(scores) == [
        ("Byte-exact match", "75.0% (3 of 4; 95 % 30.1% to 95.4%)"),
        ("Refused", "0.0% (0 of 50; 95 % 0.0% to 7.1%)"),
        ("Applied with a placeholder left", "0 of 50, so below 6.00% with 95 % confidence"),
    ]
    group = {key: unscored for _, key in GROUP_SCORES}
    headings, rows = group_rows({"go": group | {"byte_exact": some}, "c": group | {"byte_exact": none}})
    assert headings == ["byte-exact; 95 %"]
    assert rows == [["c", "0 of 50; 0.0 to 7.1"], ["go", "3 of 4; 30.1 to 95.4"]]


class References(HTMLParser):
    """Every URL that a browser would fetch, and every script."""

    def __init__(self):
        super().__init__()
        self.fetched, self.svg, self.text = [], 0, []

    def handle_starttag(self, tag, attrs):
        self.svg += tag == "svg"
        for name, value in attrs:
            outside = name in ("src", "href", "xlink:href", "data") and not (value or "").startswith("#")
            if outside or tag == "script":
                self.fetched.append((tag, value))

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_needs_nothing_else(page):
    parser = References()
    parser.feed(page)
    assert parser.fetched == []
    assert parser.svg == 5  # distinct outputs, divergence, language, category, coverage
    assert "@import" not in page
    assert "url(http" not in page


def test_the_page_says_what_each_score_belongs_to(page, folders):
    summary = load(folders[0])
    assert summary["provenance"]["fingerprint"] in page
    assert summary["provenance"]["date"] in page
    assert "Tests &amp; &lt;pictures&gt;" in page
    assert "no-model baseline" in page
    text = re.sub(r"\s+", " ", page)
    assert 'class="found">found</span>' in text
    assert "Is the seed honoured when sampling?" in text


class Columns(HTMLParser):
    """The cells of the table that compares the audits, row by row."""

    def __init__(self):
        super().__init__()
        self.inside, self.rows = False, []

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.inside = ("class", "columns") in attrs
        elif self.inside and tag == "tr":
            self.rows.append([])
        elif self.inside and tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data):
        if self.inside and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.strip() + " "

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "table"


def test_audits_and_drift_counts_stand_side_by_side(folders):
    sample = {"batch_size": 1, "tokens": (1, 2), "sha256": "a", "logits_sha256": "x", "top_logit": 1.0}
    other = sample | {"batch_size": 256, "tokens": (1, 3), "sha256": "b", "logits_sha256": "y"}
    drift = {
        "kind": "batch_drift",
        "target": "stock bfloat16",
        "model": "small",
        "attention": "sdpa",
        "hardware": "a GPU",
        "torch": "2",
        "date": "2026-01-01T00:00:00",
        "new_tokens": 2,
        "prompts": {"one prompt": summarise([sample, sample, other])},
    }
    parser = Columns()
    parser.feed(render([*(load(folder) for folder in folders[1:]), drift]))
    head, *rows = parser.rows
    assert [len(row) for row in parser.rows] == [4] * len(parser.rows)
    assert "loopback <none>" in head[1]
    assert "stock bfloat16" in head[3]
    cells = {row[0].strip(): row[1:] for row in rows}
    assert [cell.split(" one")[0].strip()[:5] for cell in cells["Batch variance"]] == [
        "not f",
        "found",
        "found",
    ]
    assert cells["Batch variance"][2].startswith("found 1 of 3 outputs were not among those given alone")
    distinct = cells["Distinct outputs of identical greedy requests"]
    assert distinct[0].startswith("1 of ")
    assert distinct[1].startswith("2 of ")
    assert distinct[2].startswith("2 of 3 at batches of 1 to 256")
    assert cells["Is the seed honoured when sampling?"][2].strip() == "not measured"


def test_a_markdown_report_is_the_comparison(folders, tmp_path):
    write_report(folders[1:], tmp_path / "comparison.md", "Two servers")
    title, _, *rows = (tmp_path / "comparison.md").read_text().splitlines()
    assert title == "# Two servers"
    assert {row.count(" | ") for row in rows} == {2}
    assert any(row.startswith("| Batch variance | **not found**") and "| **found**" in row for row in rows)


def test_a_markdown_report_of_accuracy_has_the_scores_and_the_groups(folders, tmp_path):
    write_report(folders[:1], tmp_path / "card.md", "A model")
    text = (tmp_path / "card.md").read_text()
    summary = load(folders[0])
    assert summary["provenance"]["fingerprint"] in text
    assert "| Byte-exact match, no-model baseline | " in text
    assert "| category | byte-exact; 95 % |" in text
    with pytest.raises(ValueError, match="none of these runs"):
        render_markdown([], "Nothing")


def test_equal_runs_give_an_equal_page(folders, page):
    assert render([load(folder) for folder in folders], title="Tests & <pictures>") == page


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(ValueError, match="holds no finished run"):
        write_report([tmp_path], tmp_path / "report.html")
    (tmp_path / "summary.json").write_text('{"kind": "weather"}')
    with pytest.raises(ValueError, match="no kind that can be reported"):
        write_report([tmp_path], tmp_path / "report.html")


BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(BROWSER is None, reason="no Chromium here")
def test_a_browser_draws_the_plots(page, tmp_path):
    html, picture = tmp_path / "report.html", tmp_path / "report.png"
    html.write_text(page, encoding="utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1100,4200"]
    command += [f"--screenshot={picture}", html.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=100)
    from matplotlib.image import imread

    pixels = imread(picture)[:, :, :3]
    assert pixels.shape[:2] == (4200, 1100)
    blue = (abs(pixels - (0x1F / 255, 0x5F / 255, 0xA8 / 255)) < 0.05).all(axis=-1)
    orange = (abs(pixels - (0xC4 / 255, 0x51 / 255, 0x1D / 255)) < 0.05).all(axis=-1)
    assert blue.sum() > 500  # the series and bars of the plots
    assert orange.sum() > 50  # the second series, and the baseline's marks
