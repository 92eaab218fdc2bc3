"""The doctor recognises what keeps tlwidgets from working, and names the remedy."""

import os

import pytest
from packaging.requirements import Requirement

from tlwidgets import doctor

FACTS = {"threads": 1, "cuda": None, "gpus": [], "mps": False}


def test_the_nms_mismatch_is_recognised_and_both_are_reinstalled_together():
    error = 'Traceback ...\n    File "x.py"\nRuntimeError: operator torchvision::nms does not exist'
    (finding,) = doctor.check_torch({}, error)
    assert finding.status == "broken"
    assert "do not fit together" in finding.found
    assert "torch torchvision" in finding.fix


def test_any_other_failure_of_torch_shows_its_last_line():
    (finding,) = doctor.check_torch({}, "Traceback ...\nImportError: libcudart.so.13: cannot open shared object file")
    assert finding.status == "broken"
    assert finding.found.endswith("ImportError: libcudart.so.13: cannot open shared object file")


def test_a_probe_that_dies_is_reported_not_followed(monkeypatch):
    monkeypatch.setattr(doctor, "PROBE", "import os; os.abort()")
    facts, error = doctor.probe_torch()
    assert facts == {}
    assert "-6" in error
    assert doctor.check_torch(facts, error)[0].status == "broken"


def test_a_gpu_is_named_with_its_memory():
    facts = {**FACTS, "gpus": [["Some GPU", 8 * doctor.GIB]]}
    assert "Some GPU, 8 GiB" in doctor.check_torch(facts, "")[-1].found


def test_more_threads_than_cores_is_a_warning(monkeypatch):
    monkeypatch.setattr(doctor, "available_cores", lambda: 1.0)
    assert doctor.check_threads(1).status == "ok"
    crowded = doctor.check_threads(8)
    assert crowded.status == "warning"
    assert "OMP_NUM_THREADS=1" in crowded.fix


@pytest.mark.parametrize(("quota", "cores"), [("50000 100000", 0.5), ("max 100000", None), ("", None)])
def test_the_share_of_a_container_bounds_the_cores(monkeypatch, quota, cores):
    monkeypatch.setattr(doctor, "read_text", lambda path: quota)
    everything = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert doctor.available_cores() == (cores or everything)


def test_the_limit_of_a_container_bounds_the_memory(monkeypatch):
    files = {"/sys/fs/cgroup/memory.max": str(2 * doctor.GIB), "/sys/fs/cgroup/memory.current": str(doctor.GIB)}
    monkeypatch.setattr(doctor, "read_text", lambda path: files[path])
    finding = doctor.check_memory()
    assert finding.status == "warning"
    assert "1.0 GiB free" in finding.found


@pytest.mark.parametrize(
    ("requirement", "status"),
    [("pytest>=1", "ok"), ("pytest>=9999", "broken"), ("no-such-package-anywhere>=1", "broken")],
)
def test_packages_are_held_against_what_is_required(requirement, status):
    finding = doctor.check_package(Requirement(requirement))
    assert finding.status == status
    assert (requirement in finding.fix) == (status == "broken")


def test_weights_fetched_before_are_found_without_network(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    (tmp_path / "hf" / "hub" / "models--timm--resnet18.a1_in1k").mkdir(parents=True)
    checkpoints = tmp_path / "torch" / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / "resnet50-0676ba61.pth").touch()
    bundled, fetched = doctor.check_weights()
    assert "tlw_resnet" in bundled.found
    assert fetched.found == "resnet18.a1_in1k, resnet50-0676ba61.pth"


def test_a_front_end_that_was_not_built_is_broken(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "__file__", str(tmp_path / "doctor.py"))
    assert doctor.check_front_end().status == "broken"
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "studio.js").touch()
    assert doctor.check_front_end().status == "ok"


def test_the_report_puts_each_fix_under_its_finding_and_counts_what_is_broken():
    findings = [doctor.Finding("ok", "a", "1"), doctor.Finding("broken", "bb", "2", "do this")]
    lines = doctor.report(findings).splitlines()
    assert lines[1].startswith("broken")
    assert lines[2].strip() == "-> do this"
    assert lines[-1] == "1 thing to repair."
    assert doctor.report(findings[:1]).endswith("Ready.")
