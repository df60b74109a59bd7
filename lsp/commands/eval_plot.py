"""The picture of `postil eval`: one bar a measure with its interval, as SVG that needs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

ROW, LEFT, WIDTH, TOP = 28, 110, 420, 58
_STYLE = (
    "text{font:13px sans-serif;fill:#222}.bar{fill:#4a7ebb}.line{stroke:#222;stroke-width:1.5}"
    ".grid{stroke:#ccc}.back{fill:#fff}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.line{stroke:#ddd}.grid{stroke:#444}"
    ".back{fill:#1e1e1e}}"
)


def draw(title: str, summary: Mapping[str, Sequence[float]]) -> str:
    """`summary`: (mean, low, high), each 0..1, by measure."""
    height = TOP + ROW * len(summary) + 34
    bottom = TOP + ROW * len(summary)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 60}" height="{height}" '
        f'role="img"><title>{escape(title)}</title><style>{_STYLE}</style>',
        '<rect class="back" width="100%" height="100%"/>',
        f'<text x="10" y="24">{escape(title)}</text>',
        '<text x="10" y="43">percent; lines are 95 % intervals</text>',
    ]
    for percent in range(0, 101, 20):
        x = LEFT + WIDTH * percent / 100
        parts.append(
            f'<line class="grid" x1="{x}" y1="{TOP - 4}" x2="{x}" y2="{bottom}"/>'
            f'<text x="{x}" y="{bottom + 18}" text-anchor="middle">{percent}</text>'
        )
    for row, (name, (middle, low, high)) in enumerate(summary.items()):
        y = TOP + ROW * row
        x1, x2 = LEFT + WIDTH * low, LEFT + WIDTH * high
        parts.append(
            f'<text x="{LEFT - 8}" y="{y + 16}" text-anchor="end">{escape(name)}</text>'
            f'<rect class="bar" x="{LEFT}" y="{y + 4}" width="{WIDTH * middle:.1f}" height="16"/>'
            f'<line class="line" x1="{x1:.1f}" y1="{y + 12}" x2="{x2:.1f}" y2="{y + 12}"/>'
            f'<text x="{x2 + 6:.1f}" y="{y + 16}">{100 * middle:.0f}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])
