"""``python -m ecgviz planes``: planes of a volume, its winding unrolled, distances and angles, without a browser."""

from __future__ import annotations

import argparse
import json
import math
import sys
from typing import Any

from ecgviz.analysis.volume_options import add_volume_options, volume_options
from ecgviz.errors import ConfigError
from models.core.files import file_to_write, write_file


def add_planes(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("volume", metavar="FILE", help="a file of a volume, a folder of slices, or a multi-page TIFF")
    parser.add_argument(
        "--at", type=_voxel, metavar="Z,Y,X", help="voxel that the planes go through; default the middle"
    )
    parser.add_argument("--png", type=file_to_write, metavar="FILE", help="write the three planes, true to scale")
    parser.add_argument("--thickness", type=_number, default=0.0, metavar="MM", help="of a slab; default one plane")
    parser.add_argument(
        "--slab", choices=("mean", "max"), default="mean", help="what a slab shows; default %(default)s"
    )
    parser.add_argument("--window", type=_numbers(2), metavar="LOW,HIGH", help="black and white; default: of the part")
    parser.add_argument("--unrolled", type=file_to_write, metavar="FILE", help="write the axial slice unrolled")
    parser.add_argument("--along", type=file_to_write, metavar="FILE", help="write the half plane along the mandrel")
    parser.add_argument("--angle", type=_number, default=0.0, metavar="DEGREES", help="of that half plane; default 0")
    parser.add_argument("--centre", type=_numbers(2), metavar="Y,X", help="of the mandrel; found when it is not given")
    parser.add_argument(
        "--measure", nargs="+", type=_voxel, default=(), metavar="Z,Y,X",
        help="two voxels for a distance, three for the angle at the second",
    )  # fmt: skip
    parser.add_argument("--json", type=file_to_write, metavar="FILE", help="write what is known of the volume")
    add_volume_options(parser, axis=False)
    parser.set_defaults(command=show_planes)


def show_planes(options: argparse.Namespace) -> None:
    """Write what was asked for, and print what is known of the volume."""
    from ecgviz.figures.volume_views import Shown, planes_png, unrolled_png
    from ecgviz.figures.window_level import window_between
    from ecgviz.volumes.planes import middle, part_window, planes_of
    from ecgviz.volumes.unroll import along_mandrel, find_centre, unroll
    from readers.volumes.opening import open_volume

    volume = open_volume(options.volume, **volume_options(options))
    at = middle(volume) if options.at is None else options.at
    _inside(volume, "at", at)
    if options.window is not None and not options.window[0] < options.window[1]:
        raise ConfigError("window", "its black is not below its white; give LOW,HIGH")
    window = part_window(volume) if options.window is None else window_between(*options.window, volume.dtype)
    thickness = planes_of(volume, options.thickness, 0)
    if options.png is not None:
        write_file(options.png, planes_png(volume, Shown(at, window, thickness, options.slab)))
    spacing = None if volume.spacing_mm is None else volume.spacing_mm[1:]
    centre = options.centre
    if centre is None and (options.unrolled or options.along):
        centre = find_centre(volume.plane(0, at[0]), spacing)
    if options.unrolled is not None:
        found = unroll(volume.plane(0, at[0]), centre, spacing_mm=spacing)
        write_file(options.unrolled, unrolled_png(found, window, title=f"unrolled · z {at[0]}"))
    if options.along is not None:
        found = along_mandrel(volume, centre, options.angle)
        write_file(options.along, unrolled_png(found, window, title=f"along the mandrel · {options.angle:g} degrees"))
    known = _known(volume, options.measure, centre)
    sys.stdout.writelines(f"{name}: {value}\n" for name, value in known.items())
    if options.json is not None:
        write_file(options.json, json.dumps(known, indent=1) + "\n")


def _known(volume: Any, points: list[tuple[int, int, int]], centre: tuple[float, float] | None) -> dict[str, Any]:
    from ecgviz.volumes.measure import angle_deg, distance

    for point in points:
        _inside(volume, "measure", point)
    known: dict[str, Any] = {
        "volume": volume.name, "format": volume.format, "shape_zyx": list(volume.shape), "bits": volume.bits,
        "spacing_mm_zyx": None if volume.spacing_mm is None else list(volume.spacing_mm), **dict(volume.tags),
    }  # fmt: skip
    if centre is not None:
        known["mandrel_yx"] = [round(float(one), 2) for one in centre]
    if len(points) in {2, 3}:
        length, unit = distance(points[0], points[1], volume.spacing_mm)
        known[f"distance_{unit}"] = round(length, 6)
    if len(points) == 3:
        known["angle_deg"] = round(angle_deg(*points, volume.spacing_mm), 4)
    if points and len(points) not in {2, 3}:
        raise ConfigError("measure", f"{len(points)} voxels measure nothing; give two, or three for an angle")
    if volume.warnings:
        known["warnings"] = list(volume.warnings)
    return known


def _inside(volume: Any, name: str, voxel: tuple[int, int, int]) -> None:
    from ecgviz.volumes.planes import within

    if within(volume, voxel) != voxel:
        raise ConfigError(name, f"{voxel} lies outside of the {volume.shape} voxels; give z,y,x from 0")


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text} is no number")
    return value


def _numbers(count: int) -> Any:
    def numbers(text: str) -> tuple[float, ...]:
        values = tuple(_number(one) for one in text.split(","))
        if len(values) != count:
            raise argparse.ArgumentTypeError(f"give {count} numbers with commas between them")
        return values

    return numbers


def _voxel(text: str) -> tuple[int, int, int]:
    values = [int(one) for one in text.split(",")]
    if len(values) != 3:
        raise argparse.ArgumentTypeError("give a voxel as z,y,x")
    return values[0], values[1], values[2]
