// The paper: grid, signal, gaps, calibration, names, clock. Positions are CSS pixels, times seconds of the recording.
const FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
const LETTERS_PX = 24,
  TAGS_PX = 20,
  REFERENCE_PX = 16,
  PRINT_PX = 20,
  CLOCK_PX = 18,
  RIGHT_PX = 10;

const CHARACTER_PX = 6.1;
/** Millimetres of the server laid out in a width: everything that depends on it, until it or the paper changes. */
function layOut(paper, width, tags) {
  const paperMm = paper.left_mm + paper.seconds * paper.speed + paper.right_mm;
  const mm = (width - paper.names_px - RIGHT_PX) / paperMm;
  const printed = `${paper.printed.join("   ")}   25 mm/s, zoomed`.length * CHARACTER_PX;
  const rows = Math.min(Math.max(Math.ceil(printed / (width - paper.names_px - RIGHT_PX - 12)), 1), 4),
    print = PRINT_PX + (rows - 1) * 14;
  const top = LETTERS_PX + (paper.annotated ? REFERENCE_PX : 0) + (tags ? TAGS_PX : 0),
    height = top + paper.height_mm * mm + print;
  return {
    mm,
    top,
    tags,
    width,
    height: Math.round(height + CLOCK_PX),
    foot: height - print,
    bottom: height,
    left: paper.names_px,
    right: width - RIGHT_PX,
    x0: paper.names_px + paper.left_mm * mm,
    plot: paper.seconds * paper.speed * mm,
    lanes: paper.lanes.map((lane) => ({
      ...lane,
      y: top + (paper.height_mm - lane.baseline) * mm,
      high: top + (paper.height_mm - lane.baseline - lane.up) * mm,
      low: top + (paper.height_mm - lane.baseline + lane.down) * mm,
    })),
  };
}

function grid(c, paper, g, view) {
  const k = paper.colours,
    second = g.plot / view.seconds,
    base = 1 / paper.speed;
  c.fillStyle = k.paper;
  c.fillRect(0, 0, g.width, g.height);
  const along = [base, 5 * base, 25 * base, 125 * base, 30, 60, 300, 1800, 7200, 21600].filter(
    (one, i, all) => !i || one > all[i - 1],
  );
  const fine = Math.max(
    along.findIndex((step) => step * second >= 2.2),
    0,
  );
  const across = g.mm >= 2.2 ? 1 : 5;
  const lines = (step_s, step_mm, colour) => {
    c.strokeStyle = colour;
    c.lineWidth = 1;
    c.beginPath();
    const from = view.start - (g.x0 - g.left) / second,
      to = view.start + (g.right - g.x0) / second;
    for (let i = Math.ceil(from / step_s); i * step_s <= to; i++) {
      const x = Math.round(g.x0 + (i * step_s - view.start) * second) + 0.5;
      c.moveTo(x, 0);
      c.lineTo(x, g.bottom);
    }
    const y0 = g.lanes[0].y,
      step = step_mm * g.mm;
    for (let i = Math.ceil(-y0 / step); y0 + i * step <= g.bottom; i++) {
      const y = Math.round(y0 + i * step) + 0.5;
      c.moveTo(g.left, y);
      c.lineTo(g.right, y);
    }
    c.stroke();
  };
  lines(along[fine], across, k.minor);
  lines(along[Math.min(fine + 1, along.length - 1)], across * 5, k.major);
}

/** Level to draw, and its tiles' columns that the view needs. */
function wanted(paper, view, plot, levels, density = 1) {
  const samples = (view.seconds * paper.fs) / Math.max(plot * density, 1);
  const level = Math.min(Math.max(Math.floor(Math.log(samples) / Math.log(FACTOR)), 0), levels - 1);
  const size = FACTOR ** level,
    last = Math.ceil(paper.n_samples / size) - 1;
  const at = (time_s) => Math.min(Math.max(Math.floor((time_s * paper.fs) / size), 0), last);
  return { level, last, from: at(view.start), to: at(view.start + view.seconds), at };
}

/** Lowest and highest step of each column of a lane from `from` to `to`, over tiles. */
function spans(tiles, level, column, from, to) {
  const lows = new Int16Array(to - from + 1),
    highs = new Int16Array(to - from + 1);
  for (let i = Math.floor(from / TILE); i <= Math.floor(to / TILE); i++) {
    const tile = tiles.get(level, i);
    const a = Math.max(from, i * TILE),
      b = Math.min(to, i * TILE + (tile ? tile.shape[1] : TILE) - 1);
    if (!tile) {
      lows.fill(MISSING, a - from, b - from + 1);
      highs.fill(MISSING, a - from, b - from + 1);
      continue;
    }
    const wide = tile.shape[2],
      row = column * tile.shape[1] * wide;
    for (let j = a; j <= b; j++) {
      const place = row + (j - i * TILE) * wide;
      lows[j - from] = tile[place];
      highs[j - from] = tile[place + wide - 1];
    }
  }
  return { lows, highs };
}

/** Median of a lane's columns, on which its baseline lies, as on the printed strip. */
function middle(lows, highs) {
  const step = Math.max(Math.floor(lows.length / 300), 1),
    values = [];
  for (let i = 0; i < lows.length; i += step) if (highs[i] !== MISSING) values.push((lows[i] + highs[i]) / 2);
  return values.length ? Float64Array.from(values).sort()[values.length >> 1] : null;
}

function signal(c, s, view, g, density) {
  const paper = s.paper,
    second = g.plot / view.seconds,
    levels = paper.levels;
  const need = wanted(paper, view, g.plot, levels, density);
  const level = s.tiles.best(need.level, need.from, need.to, Math.min(need.level + 2, levels - 1));
  s.waiting = level === null;
  const use = level ?? need.level,
    size = FACTOR ** use;
  const last = Math.ceil(paper.n_samples / size) - 1;
  for (const lane of g.lanes) {
    const t0 = view.start + lane.from * view.seconds,
      t1 = view.start + lane.to * view.seconds;
    const from = Math.min(Math.max(Math.floor((t0 * paper.fs) / size) - 1, 0), last);
    const to = Math.min(Math.ceil((t1 * paper.fs) / size) + 1, last);
    const { lows, highs } = spans(s.tiles, use, lane.column, from, to);
    lane.samples = use === 0;
    const own = middle(lows, highs),
      kept = s.middles[lane.column];
    lane.middle = s.middles[lane.column] =
      own === null ? (kept ?? 0) : kept === undefined || s.jumped ? own : kept + (own - kept) * 0.25;
    if (own !== null && Math.abs(own - lane.middle) > 0.5) s.dirty = true;
    lane.px = -lane.scale * g.mm * paper.steps[lane.column] * (s.gain / paper.gain);
    const xOf = (column) => g.x0 + (((column + (size - 1) / 2 / size) * size) / paper.fs - view.start) * second;
    c.save();
    c.beginPath();
    c.rect(g.x0 + lane.from * g.plot, 0, (lane.to - lane.from) * g.plot, g.bottom);
    c.clip();
    hatch(c, s, g, lane, lows, highs, from, xOf, (second * size) / paper.fs);
    trace(c, paper, lane, lows, highs, from, xOf, (second * size * density) / paper.fs, density);
    c.restore();
  }
  s.jumped = false;
  return need;
}

function trace(c, paper, lane, lows, highs, from, xOf, columnPx, density) {
  c.strokeStyle = paper.colours.trace;
  c.lineWidth = 1;
  c.lineJoin = "bevel";
  c.beginPath();
  const y = (value) => lane.y + (value - lane.middle) * lane.px;
  if (columnPx >= (lane.samples ? 0.4 : 1)) {
    let open = false;
    for (let i = 0; i < lows.length; i++) {
      if (highs[i] === MISSING) {
        open = false;
        continue;
      }
      const x = xOf(from + i);
      if (open) c.lineTo(x, y(lows[i]));
      else c.moveTo(x, y(lows[i]));
      if (lows[i] !== highs[i]) c.lineTo(x, y(highs[i]));
      open = true;
    }
  } else {
    // several columns a pixel: one span a pixel, joined to the one before
    let pixel = null,
      low = 0,
      high = 0,
      before = null;
    const put = () => {
      if (pixel === null) return;
      let a = low,
        b = high;
      if (before && before.pixel >= pixel - 1.5) {
        a = Math.min(a, before.high);
        b = Math.max(b, before.low);
      }
      const x = (pixel + 0.5) / density;
      c.moveTo(x, y(a));
      c.lineTo(x, y(b) + (a === b ? 0.7 : 0));
      before = { pixel, low, high };
    };
    for (let i = 0; i < lows.length; i++) {
      if (highs[i] === MISSING) continue;
      const here = Math.floor(xOf(from + i) * density);
      if (here !== pixel) {
        put();
        pixel = here;
        low = lows[i];
        high = highs[i];
      } else {
        if (lows[i] < low) low = lows[i];
        if (highs[i] > high) high = highs[i];
      }
    }
    put();
  }
  c.stroke();
}

/** A hatched band, with the words, where a lead has no samples for 2 mm or more. */
function hatch(c, s, g, lane, lows, highs, from, xOf, columnPx) {
  let begun = null;
  for (let i = 0; i <= highs.length; i++) {
    const gone = i < highs.length && highs[i] === MISSING;
    if (gone && begun === null) begun = i;
    if (gone || begun === null) continue;
    const a = xOf(from + begun) - columnPx / 2,
      b = xOf(from + i - 1) + columnPx / 2;
    begun = null;
    if (b - a < 2 * g.mm || s.waiting) continue;
    const x = Math.max(a, g.x0),
      wide = Math.min(b, g.right) - x;
    c.save();
    c.beginPath();
    c.rect(x, lane.high + 2, wide, lane.low - lane.high - 4);
    c.clip();
    c.strokeStyle = s.paper.colours.faint;
    c.globalAlpha = 0.45;
    c.beginPath();
    const high = lane.low - lane.high,
      first = Math.floor((x - high - a) / 9) * 9 + a; // the pattern moves with the paper
    for (let at = first; at < x + wide; at += 9) {
      c.moveTo(at, lane.low);
      c.lineTo(at + high, lane.high);
    }
    c.stroke();
    c.restore();
    if (wide >= 64)
      words(c, "no signal", x + wide / 2, (lane.high + lane.low) / 2, {
        font: 12,
        colour: s.paper.colours.text,
        box: s.paper.colours.paper,
        align: "center",
      });
  }
}

function words(
  c,
  text,
  x,
  y,
  { font = 11, weight = 400, colour, box, edge, align = "left", base = "middle", pad = 3 } = {},
) {
  c.font = `${weight} ${font}px ${FONT}`;
  c.textAlign = align;
  c.textBaseline = base;
  if (box) {
    const wide = c.measureText(text).width,
      left = x - (align === "center" ? wide / 2 : align === "right" ? wide : 0);
    const top = y - (base === "middle" ? font / 2 : base === "bottom" ? font : 0);
    c.save();
    c.globalAlpha = 0.88;
    c.fillStyle = box;
    c.fillRect(left - pad, top - pad, wide + 2 * pad, font + 2 * pad);
    c.restore();
    if (edge) {
      c.strokeStyle = edge;
      c.lineWidth = 2;
      c.strokeRect(left - pad, top - pad, wide + 2 * pad, font + 2 * pad);
    }
  }
  c.fillStyle = colour;
  c.fillText(text, x, y);
}

/** Calibration pulses, names, printed settings and the clock. */
function margins(c, s, view, g) {
  const paper = s.paper,
    k = paper.colours,
    speed = g.plot / view.seconds / g.mm;
  c.fillStyle = k.paper;
  c.fillRect(0, 0, g.left, g.height);
  c.strokeStyle = k.trace;
  c.lineWidth = 1;
  c.beginPath();
  for (const lane of g.lanes) {
    if (!lane.pulse[0].length) continue;
    const wide = 0.2 * speed * g.mm,
      high = Math.abs(lane.scale) * g.mm * (s.gain / paper.gain),
      y = Math.round(lane.y) + 0.5;
    const left = g.left + (paper.left_mm * g.mm - wide) / 2,
      foot = Math.min(1.5 * g.mm, left - g.left);
    if (foot < 1) {
      // 200 ms have no room: 1 mV alone
      const at = Math.round(g.left + (paper.left_mm * g.mm) / 2) + 0.5;
      c.moveTo(at - 4, y);
      c.lineTo(at + 4, y);
      c.moveTo(at, y);
      c.lineTo(at, y - high);
      c.moveTo(at - 4, y - high);
      c.lineTo(at + 4, y - high);
      continue;
    }
    c.moveTo(left - foot, y);
    c.lineTo(left, y);
    c.lineTo(left, y - high);
    c.lineTo(left + wide, y - high);
    c.lineTo(left + wide, y);
    c.lineTo(left + wide + foot, y);
  }
  c.stroke();
  if (paper.annotated) {
    words(c, "ref.", g.left - 6, LETTERS_PX + REFERENCE_PX / 2, { font: 9, colour: k.faint, align: "right" });
  }
  for (const lane of g.lanes) {
    if (lane.from > 0) {
      words(c, lane.lead, g.x0 + lane.from * g.plot + 3, lane.high + 8, {
        font: paper.name_size,
        weight: 700,
        colour: k.text,
      });
      continue;
    }
    lane.lines.forEach((line, i) =>
      words(c, line, g.left - 6, lane.y + (i - (lane.lines.length - 1) / 2) * (paper.name_size + 2), {
        font: paper.name_size,
        weight: 700,
        colour: k.text,
        align: "right",
      }),
    );
  }
  const near = Math.abs(speed - paper.speed) < 0.02 * paper.speed,
    fitted = `${+speed.toPrecision(3)} mm/s`;
  const parts = [near ? `${paper.speed} mm/s${paper.fitted ? " (fitted)" : ""}` : `${fitted}, zoomed`, ...paper.printed];
  parts[1] = `${s.gain} mm/mV`;
  c.font = `400 11px ${FONT}`;
  const lines = [""];
  for (const part of parts) {
    part.split(" ").forEach((word, i) => {
      const longer = `${lines.at(-1)}${lines.at(-1) ? (i ? " " : "   ") : ""}${word}`;
      if (lines.at(-1) && c.measureText(longer).width > g.right - g.left - 10) lines.push(word);
      else lines[lines.length - 1] = longer;
    });
  }
  lines.forEach((line, i) =>
    words(c, line, g.left + 5, g.foot + PRINT_PX / 2 + 14 * i, { colour: k.text, box: k.paper }),
  );
  const second = g.plot / view.seconds,
    hours = paper.n_samples / paper.fs >= 3600;
  const step =
    [0.2, 0.4, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400].find((one) => one * second >= 64) ??
    21600;
  c.fillStyle = k.paper;
  c.fillRect(0, g.bottom, g.width, CLOCK_PX);
  for (let i = Math.ceil(view.start / step - 1e-6); i * step <= view.start + view.seconds + 1e-6; i++) {
    const x = g.x0 + (i * step - view.start) * second,
      late = x > g.width - 26;
    words(c, clock(i * step, hours, step >= 1 ? 0 : 1), late ? g.width - 2 : x, g.bottom + CLOCK_PX / 2, {
      colour: k.text,
      align: late ? "right" : "center",
    });
  }
}
