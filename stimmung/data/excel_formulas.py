"""Formulas of an Excel file whose value was never stored: a reader sees an empty cell there."""

import warnings
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from zipfile import ZipFile

from stimmung.vocabulary.errors import InputError

_HINT = "Open the file in Excel or LibreOffice and save it: values are stored then. Or replace formulas by values."
# What opens a formula in a sheet's XML.
_FORMULA = b"<f"
_CHUNK_BYTES = 1 << 20


def check_formulas_have_values(path: Path, sheet: str, places: Collection[int] | None = None) -> None:
    """Raise an InputError if a cell of a readable Excel file is a formula without a value; ``places`` are the columns read, or all.

    Programs that write Excel files without computing them, such as openpyxl, store the formula alone.
    """
    if not _has_formulas(path):
        return
    # Imported here: most surveys are other files.
    from openpyxl import load_workbook

    without = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about styles
        formulas, values = (load_workbook(path, read_only=True, data_only=one) for one in (False, True))
    with closing(formulas), closing(values):
        pairs = zip(formulas[sheet].iter_rows(), values[sheet].iter_rows(values_only=True), strict=True)
        for row, said in pairs:
            for place, cell in enumerate(row):
                if cell.data_type == "f" and said[place] is None and (places is None or place in places):
                    without.append(cell.coordinate)
    if without:
        more = f" and {len(without) - 1} more" if len(without) > 1 else ""
        raise InputError(
            f"{path}, sheet '{sheet}', cell {without[0]}{more}: a formula without a stored value", _HINT
        )


def _has_formulas(path: Path) -> bool:
    """Whether any sheet has a formula: a look at the bytes, since a second parse of a large file takes as long as the first."""
    with ZipFile(path) as archive:
        for name in archive.namelist():
            if not name.startswith("xl/worksheets/"):
                continue
            with archive.open(name) as sheet:
                kept = b""
                while chunk := sheet.read(_CHUNK_BYTES):
                    if _FORMULA in kept + chunk:
                        return True
                    kept = chunk[-len(_FORMULA) :]
    return False
