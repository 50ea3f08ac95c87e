// Around the drawing: sizes of the canvas, the map's bands and legend, and the whole recording in a row.
function sized(canvas, width, height) {
  canvas.width = Math.round(width * devicePixelRatio);
  canvas.height = Math.round(height * devicePixelRatio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
}

function outlined(c, box, colours) {
  c.strokeStyle = c.fillStyle = colours.hue;
  c.lineWidth = 1.5;
  c.setLineDash([5, 4]);
  c.strokeRect(box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0);
  c.setLineDash([]);
  c.globalAlpha = 0.1;
  c.fillRect(box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0);
  c.globalAlpha = 1;
}

/** Bands of the map by lead: pictures one pixel high, or the level of each place. */
async function pictures(map, arrays) {
  const found = {};
  for (const band of map.bands) {
    const array = arrays[band.array],
      values = map.on_trace ? array : null;
    const picture = map.on_trace
      ? null
      : await createImageBitmap(new ImageData(new Uint8ClampedArray(array), array.shape[0], 1), {
          premultiplyAlpha: "default",
        });
    found[band.lead.toLowerCase()] = { ...band, values, picture };
  }
  return found;
}

function legend(root, map, paper) {
  const place = root.querySelector(".legend");
  place.hidden = !map && !paper.keep_map;
  place.style.color = paper.colours.text;
  place.style.background = paper.colours.paper;
  place.querySelector(".means").textContent = map ? map.title.join(" · ") : "";
  place.querySelector(".scale").style.visibility = map ? "visible" : "hidden";
  place.querySelector(".bar").style.background = map ? `linear-gradient(to right, ${map.bar.join(",")})` : "none";
  place.querySelector(".top").textContent = map ? map.top : "";
  place.querySelector(".zero").textContent = map ? "0" : "";
}

/** The whole recording in a thin row: rate, ectopic beats, rhythms, and where the view is. */
function minimap(c, s, width) {
  const paper = s.paper,
    k = paper.colours,
    whole = paper.n_samples / paper.fs,
    height = MINI_PX,
    left = paper.names_px,
    wide = width - left - RIGHT_PX;
  c.fillStyle = k.paper;
  c.fillRect(0, 0, width, height);
  if (s.beats) {
    for (const one of s.beats.header.rhythms) {
      c.fillStyle = one.colour;
      c.globalAlpha = one.sinus ? 0.3 : 1;
      c.fillRect(left + (one.from / whole) * wide, height - 4, Math.max(((one.to - one.from) / whole) * wide, 1), 4);
    }
    c.globalAlpha = 1;
    const beats = s.beats,
      bins = Math.max(Math.min(Math.floor(wide), Math.floor(whole / 5)), 1),
      one = wide / bins,
      rate = new Float64Array(bins),
      count = new Float64Array(bins);
    const rows = ["V", "S", "F"],
      found = new Uint8Array(bins);
    for (let i = 0; i < beats.n; i++) {
      if (beats.gone[i]) continue;
      const bin = Math.min(Math.floor((beats.time[i] / whole) * bins), bins - 1),
        rr = beats.rr(i);
      if (rr >= 0.2 && rr <= 3) {
        rate[bin] += rr;
        count[bin]++;
      }
      const row = rows.indexOf(beats.letters[beats.letter[i]]);
      if (row >= 0) found[bin] |= 1 << row;
    }
    rows.forEach((letter, row) => {
      c.fillStyle = beats.colours[beats.letters.indexOf(letter)] ?? k.text;
      for (let bin = 0; bin < bins; bin++)
        if (found[bin] & (1 << row)) c.fillRect(left + bin * one, height - 14 + row * 3, Math.max(one, 1.2), 3);
    });
    c.strokeStyle = k.trace;
    c.lineWidth = 1;
    c.beginPath();
    let open = false;
    for (let bin = 0; bin < bins; bin++) {
      if (!count[bin]) {
        open = false;
        continue;
      }
      const y = height - 16 - ((Math.min(Math.max((60 * count[bin]) / rate[bin], 30), 190) - 30) / 160) * (height - 18);
      const x = left + (bin + 0.5) * one;
      if (open) c.lineTo(x, y);
      else c.moveTo(x, y);
      open = true;
    }
    c.stroke();
  }
}
