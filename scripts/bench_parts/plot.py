"""A run as SVG: one panel for each axis, its points from left to right, a line for each worker, whiskers from least to
most."""

from html import escape

from .tables import groups, number

COLOURS = {"floor": "#666666", "durable-floor": "#b7950b", "daemon": "#c0392b", "daemon-postgres": "#d35400",
           "go": "#2980b9", "aio-pika": "#27ae60", "celery": "#8e44ad",
           "go-sqlite": "#5dade2", "go-postgres": "#1b4f72", "aio-pika-sqlite": "#82e0aa", "celery-postgres": "#bb8fce"}
WIDTH, HEIGHT, LEFT, TOP, GAP = 640, 200, 70, 40, 50


def svg(title: str, records: list[dict]) -> str:
    found = groups(records, "throughput")
    axes = list(dict.fromkeys(axis for axis, _, _ in found))
    parts, top = [], TOP + 10
    for axis in axes:
        parts += _panel(axis, {key[1:]: [run["jobsPerSecond"] for run in runs]
                               for key, runs in found.items() if key[0] == axis}, top)
        top += HEIGHT + GAP
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH + LEFT + 110}" height="{top}" '
            f'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n'
            f'<text x="{LEFT}" y="22" font-size="14">{escape(title)}</text>\n' + "\n".join(parts) + "\n</svg>\n")


def _panel(axis: str, values: dict[tuple, list[float]], top: float) -> list[str]:
    points = list(dict.fromkeys(point for point, _ in values))
    workers = list(dict.fromkeys(worker for _, worker in values))
    most = max(max(runs) for runs in values.values()) * 1.05
    step = WIDTH / len(points)

    def x(point, worker):
        # Side by side, so that whiskers do not hide each other.
        return LEFT + step * (points.index(point) + 0.5) + 8 * (workers.index(worker) - (len(workers) - 1) / 2)

    def y(value):
        return top + HEIGHT * (1 - value / most)
    parts = [f'<text x="{LEFT}" y="{top - 6}">{escape(axis)}: jobs/s, median and range</text>']
    for share in (0, 0.25, 0.5, 0.75, 1):
        line = y(most * share)
        parts.append(f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{line:.1f}" y2="{line:.1f}" stroke="#dddddd"/>'
                     f'<text x="{LEFT - 6}" y="{line + 4:.1f}" text-anchor="end">{number(most * share)}</text>')
    for point in points:
        middle = LEFT + step * (points.index(point) + 0.5)
        parts.append(f'<text x="{middle:.1f}" y="{top + HEIGHT + 16}" text-anchor="middle">{escape(str(point))}</text>')
    for place, worker in enumerate(workers):
        colour, path = COLOURS.get(worker, "black"), []
        for point in points:
            runs = sorted(values.get((point, worker), []))
            if not runs:
                continue
            middle, median = x(point, worker), runs[len(runs) // 2]
            path.append(f"{middle:.1f},{y(median):.1f}")
            parts.append(f'<line x1="{middle:.1f}" x2="{middle:.1f}" y1="{y(runs[0]):.1f}" y2="{y(runs[-1]):.1f}" '
                         f'stroke="{colour}"/><circle cx="{middle:.1f}" cy="{y(median):.1f}" r="3.5" fill="{colour}"/>')
        parts.append(f'<polyline points="{" ".join(path)}" fill="none" stroke="{colour}" opacity="0.5"/>'
                     f'<text x="{LEFT + WIDTH + 10}" y="{top + 14 + 16 * place}" fill="{colour}">{escape(worker)}'
                     '</text>')
    return parts
