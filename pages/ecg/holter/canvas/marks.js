// What lies on the paper: the map and the reasons behind the signal, beats and rhythms above it, calipers over it.

function behind(c, s, view, g) {
  const second = g.plot / view.seconds,
    x = (time_s) => g.x0 + (time_s - view.start) * second,
    map = s.map;
  c.save();
  c.beginPath();
  c.rect(g.x0, 0, g.plot, g.bottom);
  c.clip();
  if (map && !map.on_trace) {
    c.imageSmoothingEnabled = false;
    for (const lane of g.lanes) {
      const band = lane.read && map.pictures[bare(lane.lead)];
      if (band)
        clipped(c, g, lane, () =>
          c.drawImage(band.picture, x(band.from), lane.high, (band.to - band.from) * second, lane.low - lane.high),
        );
    }
  }
  if (map) {
    const read = g.lanes.filter((lane) => lane.read);
    const high = Math.min(...read.map((lane) => lane.high)),
      low = Math.max(...read.map((lane) => lane.low));
    c.strokeStyle = s.paper.colours.faint;
    c.lineWidth = 1;
    map.window.forEach((edge, i) => {
      if (edge <= view.start || edge >= view.start + view.seconds) return;
      c.setLineDash([2, 3]);
      c.beginPath();
      c.moveTo(x(edge), high);
      c.lineTo(x(edge), low);
      c.stroke();
      c.setLineDash([]);
      words(c, i ? "to here" : "network sees from here", x(edge) + (i ? -4 : 4), low - 6, {
        font: 10,
        colour: s.paper.colours.faint,
        align: i ? "right" : "left",
      });
    });
  }
  if (s.parts) usual(c, s, g, x);
  c.restore();
}

const bare = (lead) => lead.replace(/^-/, "").toLowerCase();

function clipped(c, g, lane, draw) {
  c.save();
  c.beginPath();
  c.rect(g.x0 + lane.from * g.plot, 0, (lane.to - lane.from) * g.plot, g.bottom);
  c.clip();
  draw();
  c.restore();
}

/** The usual beat, the weight of each part below it, and the arrow for early or late. */
function usual(c, s, g, x) {
  const k = s.paper.colours,
    lines = new Map(s.parts.lines.map((line) => [bare(line.lead), line]));
  const read = g.lanes.filter((lane) => lane.read && lines.has(bare(lane.lead)));
  for (const lane of read) {
    const line = lines.get(bare(lane.lead)),
      mV = lane.px / s.paper.steps[lane.column];
    const y = (value) => lane.y + value * mV - lane.middle * lane.px;
    clipped(c, g, lane, () => {
      c.strokeStyle = k.faint;
      c.lineWidth = 2;
      c.setLineDash([2, 3]);
      c.beginPath();
      line.time_s.forEach((time, i) => (i ? c.lineTo(x(time), y(line.value[i])) : c.moveTo(x(time), y(line.value[i]))));
      c.stroke();
      c.setLineDash([]);
      c.fillStyle = k.hue;
      for (const [from, to, share] of Object.values(s.parts.bars)) {
        c.globalAlpha = share;
        c.fillRect(x(from), lane.low - 2 * g.mm, x(to) - x(from), 2 * g.mm);
      }
    });
  }
  const at = s.parts.timing;
  if (!at || !read.length) return;
  const y = read[0].high - 4 + 8,
    a = x(at.usual_s),
    b = x(at.at_s),
    side = a > b ? 1 : -1;
  c.strokeStyle = c.fillStyle = k.hue;
  c.lineWidth = 1.5;
  c.beginPath();
  c.moveTo(a, y);
  c.lineTo(b, y);
  c.stroke();
  c.beginPath();
  c.moveTo(b, y);
  c.lineTo(b + 6 * side, y - 3.5);
  c.lineTo(b + 6 * side, y + 3.5);
  c.fill();
  words(c, at.word, a + 3 * side, y, { colour: k.text, align: side > 0 ? "left" : "right" });
}

/** The map as the colour and width of the trace itself. */
function coloured(c, s, view, g) {
  const map = s.map;
  if (!map || !map.on_trace) return;
  const second = g.plot / view.seconds,
    size = FACTOR ** wanted(s.paper, view, g.plot, s.paper.levels).level;
  const level = Math.round(Math.log(size) / Math.log(FACTOR));
  for (const lane of g.lanes) {
    const band = lane.read && map.pictures[bare(lane.lead)];
    if (!band) continue;
    const a = Math.max(band.from, view.start + lane.from * view.seconds),
      b = Math.min(band.to, view.start + lane.to * view.seconds);
    const from = Math.max(Math.floor((a * s.paper.fs) / size), 0),
      to = Math.min(Math.ceil((b * s.paper.fs) / size), Math.ceil(s.paper.n_samples / size) - 1);
    if (to <= from) continue;
    const { lows, highs } = spans(s.tiles, level, lane.column, from, to),
      y = (value) => lane.y + (value - lane.middle) * lane.px;
    clipped(c, g, lane, () => {
      for (let i = 1; i < lows.length; i++) {
        const time = ((from + i) * size) / s.paper.fs,
          place = Math.floor(((time - band.from) / (band.to - band.from)) * band.values.length);
        const share = band.values[place] ?? -1;
        if (share <= 0 || highs[i] === MISSING || highs[i - 1] === MISSING) continue;
        c.strokeStyle = map.levels[share];
        c.lineWidth = 1 + (2.5 * (share + 0.5)) / map.levels.length;
        const right = g.x0 + (time - view.start) * second;
        c.beginPath();
        c.moveTo(right - (second * size) / s.paper.fs, y(highs[i - 1]));
        c.lineTo(right, y(lows[i]));
        c.lineTo(right, y(highs[i]));
        c.stroke();
      }
    });
  }
}

function rhythms(c, s, view, g) {
  const second = g.plot / view.seconds,
    k = s.paper.colours,
    end = view.start + view.seconds,
    y = LETTERS_PX + (s.paper.annotated ? REFERENCE_PX : 0);
  const seen = s.beats.header.rhythms.filter((one) => one.from < end && one.to > view.start);
  seen.forEach((one, i) => {
    const a = g.x0 + (Math.max(one.from, view.start) - view.start) * second,
      b = g.x0 + (Math.min(one.to, end) - view.start) * second;
    c.fillStyle = one.colour;
    c.globalAlpha = one.sinus ? 0.35 : 0.9;
    c.fillRect(a, y + TAGS_PX - 4, b - a, 4);
    c.globalAlpha = 1;
    if (one.from > view.start) {
      c.strokeStyle = one.colour;
      c.lineWidth = 2;
      c.setLineDash([6, 4]);
      c.beginPath();
      c.moveTo(a, y);
      c.lineTo(a, g.foot);
      c.stroke();
      c.setLineDash([]);
    }
    c.font = `400 11px ${FONT}`;
    const text = [one.text, one.label].find((word) => c.measureText(word).width + 8 <= b - a);
    if (text) words(c, text, a + 4, y + TAGS_PX / 2 - 2, { colour: k.text });
  });
}

function beatMarks(c, s, view, g) {
  const beats = s.beats,
    second = g.plot / view.seconds,
    k = s.paper.colours,
    y = LETTERS_PX / 2 + 1;
  const from = beats.from(view.start),
    to = beats.from(view.start + view.seconds + 1e-6),
    room = g.plot / Math.max(to - from, 1);
  const x = (time_s) => g.x0 + (time_s - view.start) * second,
    size = room >= 20 ? 14 : 11;
  if (room < 7) {
    ticks(c, s, from, to, x);
    return;
  }
  const at = beats.indexOf(s.chosen);
  if (s.selected.size) {
    c.fillStyle = k.hue;
    c.globalAlpha = 0.25;
    for (let i = from; i < to; i++)
      if (s.selected.has(beats.number[i])) c.fillRect(x(beats.time[i]) - 10, 1, 20, LETTERS_PX - 2);
    c.globalAlpha = 1;
  }
  let before = -1;
  for (let i = from; i < to; i++) {
    const here = x(beats.time[i]),
      colour = beats.colours[beats.letter[i]],
      letter = beats.letters[beats.letter[i]];
    if (beats.gone[i]) {
      words(c, beats.gone[i] === 2 ? "×" : "–", here, y, { font: size, weight: 700, colour: k.faint, align: "center" });
      if (beats.gone[i] === 2) before = -1;
      continue;
    }
    if (i === at) {
      c.strokeStyle = c.fillStyle = colour;
      c.lineWidth = 1;
      c.setLineDash([2, 3]);
      c.beginPath();
      c.moveTo(here, LETTERS_PX);
      c.lineTo(here, g.foot);
      c.stroke();
      c.setLineDash([]);
      c.beginPath();
      c.arc(here, y, size / 2 + 3, 0, 7);
      c.fill();
    }
    const dot = room < 13 && letter === "N" && i !== at;
    words(c, dot ? "·" : letter, here, y, {
      font: size,
      weight: 700,
      colour: i === at ? "#ffffff" : colour,
      align: "center",
    });
    if (beats.flags[i] & 1) {
      c.strokeStyle = k.text;
      c.lineWidth = 1.5;
      c.beginPath();
      c.arc(here, y, size / 2 + 4, 0, 7);
      c.stroke();
    }
    const rr = before >= 0 ? beats.time[i] - beats.time[before] : NaN,
      gap = here - (before >= 0 ? x(beats.time[before]) : here);
    if (gap >= 78 && !(beats.flags[i] & 4))
      words(c, `${Math.round(rr * 1000)} ms${gap >= 132 ? ` · ${Math.round(60 / rr)}/min` : ""}`, here - gap / 2, y, {
        colour: k.faint,
        align: "center",
      });
    before = i;
  }
  for (const [list, sign] of [
    [beats.deleted, "–"],
    [beats.rejected, "×"],
  ]) {
    for (const time of list)
      if (time >= view.start && time <= view.start + view.seconds)
        words(c, sign, x(time), y, { font: size, weight: 700, colour: k.faint, align: "center" });
  }
}

/** The annotated beats as a second row of smaller letters; one that is not alike is in a box. */
function reference(c, s, view, g) {
  const beats = s.beats,
    times = beats.reference,
    second = g.plot / view.seconds,
    y = LETTERS_PX + REFERENCE_PX / 2,
    k = s.paper.colours;
  const inside = (time) => time >= view.start && time <= view.start + view.seconds;
  let low = 0,
    high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < view.start) low = middle + 1;
    else high = middle;
  }
  let stop = low;
  while (stop < times.length && inside(times[stop])) stop++;
  if (g.plot / Math.max(stop - low, 1) < 9) return;
  for (let i = low; i < stop; i++) {
    const letter = beats.letters[beats.referenceLetter[i]],
      near = beats.nearest(times[i]),
      x = g.x0 + (times[i] - view.start) * second;
    const alike =
      near >= 0 && Math.abs(beats.time[near] - times[i]) <= 0.15 && beats.letter[near] === beats.referenceLetter[i];
    words(c, letter, x, y, { font: 10, colour: beats.colours[beats.referenceLetter[i]], align: "center" });
    if (alike) continue;
    c.strokeStyle = k.text;
    c.lineWidth = 1;
    c.strokeRect(Math.round(x) - 7.5, y - 7.5, 15, 15);
  }
}

/** Where letters would cover each other: a tick for each pixel that has a beat that is not normal. */
function ticks(c, s, from, to, x) {
  const beats = s.beats,
    rank = beats.letters.map((letter) => "NQFSV".indexOf(letter)),
    seen = new Map();
  for (let i = from; i < to; i++) {
    if (beats.gone[i] || rank[beats.letter[i]] <= 0) continue;
    const pixel = Math.round(x(beats.time[i]));
    if (!(rank[seen.get(pixel)] > rank[beats.letter[i]])) seen.set(pixel, beats.letter[i]);
  }
  for (const [pixel, letter] of seen) {
    const row = Math.max("VSF".indexOf(beats.letters[letter]), 0);
    c.fillStyle = beats.colours[letter];
    c.fillRect(pixel - 0.75, 2 + row * 7, 1.5, 6);
  }
}

function calipers(c, s, view, g) {
  const box = s.calipers;
  if (!box) return;
  const k = s.paper.colours,
    second = g.plot / view.seconds,
    x = (time_s) => g.x0 + (time_s - view.start) * second;
  const a = x(Math.min(box.from, box.to)),
    b = x(Math.max(box.from, box.to)),
    wide = b - a;
  c.save();
  c.beginPath();
  c.rect(g.x0, 0, g.plot, g.bottom);
  c.clip();
  c.strokeStyle = k.text;
  if (s.march && wide > 4) {
    c.lineWidth = 1;
    c.globalAlpha = 0.55;
    c.beginPath();
    for (let at = b + wide; at < g.right; at += wide) {
      c.moveTo(at, LETTERS_PX);
      c.lineTo(at, g.foot);
    }
    for (let at = a - wide; at > g.x0; at -= wide) {
      c.moveTo(at, LETTERS_PX);
      c.lineTo(at, g.foot);
    }
    c.stroke();
    c.globalAlpha = 1;
  }
  c.lineWidth = 1.5;
  const top = Math.min(box.y0, box.y1),
    high = Math.abs(box.y1 - box.y0);
  c.globalAlpha = 0.07;
  c.fillStyle = k.text;
  c.fillRect(a, top, wide, high);
  c.globalAlpha = 1;
  c.strokeRect(a, top, wide, high);
  const lines = s.reading.lines,
    below = top < LETTERS_PX + 16 * lines.length + 10;
  const start = below ? top + high + 12 : top - 10 - 16 * (lines.length - 1);
  c.font = `600 13px ${FONT}`;
  const widest = Math.max(...lines.map((line) => c.measureText(line).width)) / 2 + 5;
  const middle = Math.min(Math.max((a + b) / 2, g.x0 + widest), g.right - widest);
  lines.forEach((line, i) =>
    words(c, line, middle, start + 16 * i, { font: 13, weight: 600, colour: k.text, box: k.paper, align: "center" }),
  );
  c.restore();
}
