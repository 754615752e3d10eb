"""A report through the slice, behind a real proxy, is legacy's own: rolling the slice back loses nothing."""

from __future__ import annotations

from pathlib import Path

from demo.ports import Ports
from demo.workplace import with_ports
from tests.conftest import Start
from tests.demo.anytown import GOOD_REPORT, Monolith, Resident, facts
from tests.slices.conftest import ROOT


def test_a_report_through_the_slice_is_on_legacys_page_after_rolling_back(
    start: Start, fig: Path, tmp_path: Path, monolith: Monolith, slice_address: str
) -> None:
    text = (ROOT / "routes.yaml").read_text().replace("stage: legacy", "stage: live")
    legacy, new = (int(address.rpartition(":")[2]) for address in (monolith.address, slice_address))
    (tmp_path / "routes.yaml").write_text(with_ports(text, Ports(proxy=0, admin=0, legacy=legacy, slice=new)))
    proxy = start([fig, "serve", "--workers", "1"], folder=tmp_path, name="fig serve")
    with Resident(proxy.wait_for(r"serving.*?(http://127\.0\.0\.1:\d+)")[1]) as citizen:
        sent = citizen.post("/repairs/report", GOOD_REPORT)
        assert (sent.status_code, sent.headers["Server"]) == (303, "slice-repairs")
        address = sent.headers["Location"]
        number = monolith.rows("SELECT max(JOB_NO) FROM REPAIR_JOBS")[0][0]
        confirmed = citizen.get(address)
        assert (confirmed.status_code, confirmed.headers["Server"]) == (200, "slice-repairs")
        assert f"<h1>Repair reported</h1><p>Your job number <b>{number}</b></p>" in confirmed.text

        back = start([fig, "rollback", "repairs"], folder=tmp_path, name="fig rollback")
        assert back.wait() == 0, back.log
        shown = citizen.get(address)
        assert (shown.status_code, shown.headers["Server"].partition("/")[0]) == (200, "Anytown-Housing-Suite")
        assert f"Its job number is <b>{number}</b>" in shown.text
        assert facts(shown.text)["Problem"] == GOOD_REPORT["description"]
