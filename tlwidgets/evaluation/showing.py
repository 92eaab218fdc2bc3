"""How results show themselves where a cell ends with one: a sentence, and the table below it."""

from __future__ import annotations

from html import escape

import pandas as pd


def as_html(sentence: str, table: pd.DataFrame) -> str:
    """A result for a notebook; names in it are text, whatever they hold.

    Args:
        sentence: The result in words.
        table: Its figures; of a long or wide one the middle is left out.
    """
    shown = table.to_html(escape=True, na_rep="", float_format="{:.3g}".format, max_rows=30, max_cols=20)
    return f"<p>{escape(sentence)}</p>{shown}"
