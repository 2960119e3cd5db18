"""The report of real runs: complete, self-contained, and drawn by a browser where there is one."""

import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from evals.audit.loopback import Fault, FaultyServer, serve
from evals.audit.run import AuditConfig, run_audit
from evals.audit.targets.openai_compatible import OpenAICompatible
from evals.report.html import load, render, write_report
from evals.runs.accuracy import run_accuracy
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
    assert 'class="found">found</td>' in text
    assert "Is the seed honoured when sampling?" in text


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
