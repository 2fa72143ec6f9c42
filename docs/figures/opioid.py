"""Draw docs/figures/opioid.svg: people with opioid disorder with and without the allocation.

python docs/figures/opioid.py
"""

from __future__ import annotations

from pathlib import Path

import allocc

HERE = Path(__file__).resolve().parent
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 310, 70, 34, 40, 150


def main() -> None:
    """Solve Rhode Island and write the picture."""
    model = allocc.load(HERE.parent.parent / "examples" / "opioid" / "opioid.alloc")
    found = model.solve()
    lines = [
        ("without interventions", model.simulate().trajectories["A"], "8 5"),
        ("with the allocation", found.trajectories["A"], ""),
    ]
    times = [float(x) for x in lines[0][1].index]
    top = max(float(s.max()) for _, s, _ in lines)
    low, high = 5000.0, 1000.0 * -(-top // 1000)

    def place(x: float, y: float) -> str:
        across = LEFT + (x - times[0]) / (times[-1] - times[0]) * (WIDTH - LEFT - RIGHT)
        up = HEIGHT - BOTTOM - (y - low) / (high - low) * (HEIGHT - BOTTOM - TOP)
        return f"{across:.1f},{up:.1f}"

    parts = []
    for k in range(int(low), int(high) + 1, 1000):
        x, y = place(times[0], k).split(",")
        end = place(times[-1], k).split(",")[0]
        parts.append(f'<line x1="{x}" y1="{y}" x2="{end}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{float(y) + 4:.1f}" text-anchor="end">{k:,}</text>')
    for year in (2017, 2018, 2019):
        x = place(year, low).split(",")[0]
        parts.append(f'<text x="{x}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{year}</text>')
    for name, series, dash in lines:
        points = " ".join(place(t, float(v)) for t, v in zip(times, series, strict=True))
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="#222" stroke-width="2" '
            f'stroke-dasharray="{dash}"/>'
        )
        x, y = place(times[-1], float(series.iloc[-1])).split(",")
        parts.append(f'<text x="{float(x) + 8:.1f}" y="{float(y) + 4:.1f}">{name}</text>')
    parts.append(f'<text x="{LEFT - 54}" y="20">people with opioid disorder, Rhode Island</text>')
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12" role="img">'
        "<title>People with opioid disorder in Rhode Island, 2017 to 2019, with the allocation and "
        'without interventions</title><rect width="100%" height="100%" fill="white"/>'
        + "".join(parts)
        + "</svg>\n"
    )
    (HERE / "opioid.svg").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
