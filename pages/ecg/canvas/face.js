// What stands around and below the drawing: sizes of the canvas, the map's bands and its legend.
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
  place.querySelector(".bar").style.background = map ? `linear-gradient(to right, ${map.bar.join(",")})` : "none";
  place.querySelector(".top").textContent = map ? map.top : "";
  place.querySelector(".zero").textContent = map ? "0" : "";
}
