// One canvas a plane. What is drawn comes in one message: see ecgviz/figures/plane_pixels.py.
const MOST_HEIGHT = 640, STRIP_PX = 7, WHEEL_MS = 90;
const KINDS = { n: "#6b7280", r: "#e69f00", d: "#d55e00", u: "#9c8c8c" };

function unpack(data) {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const pixels = (place) => bytes.subarray(4 + length + place.start, 4 + length + place.start + place.rows * place.columns);
  return { header, pixels };
}

function bitmap(place, colour) {
  const canvas = document.createElement("canvas");
  canvas.width = place.columns; canvas.height = place.rows;
  const context = canvas.getContext("2d");
  const image = context.createImageData(place.columns, place.rows);
  for (let i = 0; i < place.rows * place.columns; i++) colour(i, image.data, 4 * i);
  context.putImageData(image, 0, 0);
  return canvas;
}

function layers(state, plane) {
  const greys = state.pixels(plane.grey), [low, high] = state.ramp;
  const table = new Uint8ClampedArray(256).map((_, i) => (255 * (i - low)) / Math.max(high - low, 1));
  const found = [bitmap(plane.grey, (i, out, at) => {
    out[at] = out[at + 1] = out[at + 2] = table[greys[i]]; out[at + 3] = 255;
  })];
  if (plane.map) {
    const heat = state.pixels(plane.map);
    found.push(bitmap(plane.map, (i, out, at) => {
      out[at] = 255; out[at + 1] = 90; out[at + 2] = 40; out[at + 3] = 0.6 * heat[i];
    }));
  }
  return found;
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".planes");
  if (!root || !data) return;
  const { header, pixels } = unpack(data);
  const state = root.ecgviz = Object.assign(root.ecgviz || {}, { header, pixels, ramp: [0, 255], at: [...header.at] });
  const spacing = header.spacing || [1, 1, 1];
  const others = (axis) => [0, 1, 2].filter((one) => one !== axis);
  const size = (axis) => { const [r, c] = others(axis); return [header.shape[r] * spacing[r], header.shape[c] * spacing[c]]; };
  root.classList.toggle("deep", size(1)[0] > 0.6 * size(0)[0]);
  const tell = (message) => setStateValue("view", { ...message, stamp: Date.now() });

  header.planes.forEach((plane, place) => {
    let figure = root.children[place];
    if (!figure) {
      figure = document.createElement("figure");
      figure.append(document.createElement("figcaption"), document.createElement("canvas"));
      root.append(figure);
      figure.lastChild.tabIndex = 0;
      listen(figure.lastChild, plane.axis);
    }
    state.layers = state.layers || [];
    state.layers[place] = layers(state, plane);
    draw(place);
  });

  function draw(place) {
    const now = root.ecgviz, plane = now.header.planes[place], axis = plane.axis;
    const figure = root.children[place], canvas = figure.lastChild;
    const [rowsMm, columnsMm] = size(axis), [r, c] = others(axis);
    const widest = figure.clientWidth || 400;
    const width = Math.max(1, Math.min(widest, MOST_HEIGHT * columnsMm / rowsMm)), height = width * rowsMm / columnsMm;
    const dense = window.devicePixelRatio || 1;
    canvas.style.width = `${width}px`; canvas.style.height = `${height}px`;
    canvas.width = Math.round(width * dense); canvas.height = Math.round(height * dense);
    const index = now.at[axis], many = now.header.shape[axis];
    figure.firstChild.textContent = `${plane.name} · ${"zyx"[axis]} ${index} of ${many}`;
    canvas.setAttribute("aria-label",
      `${plane.name} plane, ${"zyx"[axis]} ${index} of ${many}; arrow keys move in it, page up and down through the planes`);
    const context = canvas.getContext("2d");
    context.scale(dense, dense);
    now.layers[place].forEach((layer) => context.drawImage(layer, 0, 0, width, height));
    const x = (voxel) => (voxel[c] + 0.5) * width / now.header.shape[c], y = (voxel) => (voxel[r] + 0.5) * height / now.header.shape[r];
    line(context, 0, y(now.at), width, y(now.at), now.header.colours[r]);
    line(context, x(now.at), 0, x(now.at), height, now.header.colours[c]);
    context.strokeStyle = now.header.colours[axis]; context.lineWidth = 2; context.strokeRect(0, 0, width, height);
    strip(context, now, axis, r, width, height);
    bar(context, columnsMm, width, height, Boolean(now.header.spacing));
    measure(context, now, x, y);
  }

  function line(context, x0, y0, x1, y1, colour) {
    context.strokeStyle = colour; context.lineWidth = 1;
    context.beginPath(); context.moveTo(x0, y0); context.lineTo(x1, y1); context.stroke();
  }

  function strip(context, now, axis, r, width, height) {  // the verdict of each slice, beside the planes along them
    const scores = now.header.scores;
    if (!scores || scores.axis === axis) return;
    const step = scores.axis === r ? height / scores.kinds.length : width / scores.kinds.length;
    scores.kinds.forEach((kind, i) => {
      context.fillStyle = KINDS[kind] || KINDS.u;
      if (scores.axis === r) context.fillRect(width - STRIP_PX, i * step, STRIP_PX, Math.max(step, 0.5));
      else context.fillRect(i * step, height - STRIP_PX, Math.max(step, 0.5), STRIP_PX);
    });
  }

  function bar(context, columnsMm, width, height, known) {
    if (!known || height < 60) return;
    const most = columnsMm / 4, power = 10 ** Math.floor(Math.log10(most));
    const length = [5, 2, 1].map((one) => one * power).find((one) => one <= most * 1.000001), px = length * width / columnsMm;
    context.fillStyle = "#fff"; context.font = "11px sans-serif"; context.textAlign = "right";
    context.fillRect(width - 14 - px, height - 14, px, 2);
    context.fillText(`${Number(length.toPrecision(3))} mm`, width - 14, height - 18);
  }

  function measure(context, now, x, y) {
    const points = now.points || now.header.points || [];
    context.strokeStyle = context.fillStyle = "#ffe14d"; context.lineWidth = 1.5;
    context.beginPath();
    points.forEach((one, i) => (i ? context.lineTo(x(one), y(one)) : context.moveTo(x(one), y(one))));
    context.stroke();
    points.forEach((one) => { context.beginPath(); context.arc(x(one), y(one), 3, 0, 7); context.fill(); });
    if (!now.points && now.header.label && points.length) {
      const last = points[points.length - 1];
      context.font = "bold 12px sans-serif"; context.textAlign = "left";
      context.strokeStyle = "#000"; context.lineWidth = 3;
      context.strokeText(now.header.label, x(last) + 8, y(last) - 6);
      context.fillText(now.header.label, x(last) + 8, y(last) - 6);
    }
  }

  function listen(canvas, axis) {
    let dragged = null, wheel = null;
    const redraw = () => root.ecgviz.header.planes.forEach((_, place) => draw(place));
    const voxel = (event) => {
      const now = root.ecgviz, box = canvas.getBoundingClientRect(), [r, c] = others(axis), at = [...now.at];
      const within = (share, one) => Math.min(Math.max(share * now.header.shape[one] - 0.5, 0), now.header.shape[one] - 1);
      at[r] = within((event.clientY - box.top) / box.height, r);
      at[c] = within((event.clientX - box.left) / box.width, c);
      return at;
    };
    const move = (at) => {
      const now = root.ecgviz;
      now.at = at.map((one, i) => Math.min(Math.max(Math.round(one), 0), now.header.shape[i] - 1));
      redraw();
      clearTimeout(wheel);
      wheel = setTimeout(() => now.tell({ at: now.at }), WHEEL_MS);
    };
    canvas.addEventListener("pointerdown", (event) => {
      const now = root.ecgviz, tool = now.header.tool;
      if (event.button === 2) {
        dragged = { x: event.clientX, y: event.clientY };
        canvas.setPointerCapture(event.pointerId);
      } else if (event.button === 0 && (tool === "distance" || tool === "angle")) {
        const many = tool === "angle" ? 3 : 2, before = now.points || now.header.points || [];
        now.points = [...(before.length >= many ? [] : before), voxel(event)];
        redraw();
        now.tell({ points: now.points });
      } else if (event.button === 0) move(voxel(event));
    });
    canvas.addEventListener("pointermove", (event) => {  // to the right: wider, so flatter; down: darker
      if (!dragged) return;
      const now = root.ecgviz, wide = Math.exp((event.clientX - dragged.x) / 200), shift = (event.clientY - dragged.y) * 0.6;
      dragged.ramp = [127.5 - 127.5 * wide + shift, 127.5 + 127.5 * wide + shift];
      now.ramp = dragged.ramp;
      now.header.planes.forEach((plane, place) => { now.layers[place] = layers(now, plane); });
      redraw();
    });
    canvas.addEventListener("pointerup", () => {
      const now = root.ecgviz, ramp = dragged && dragged.ramp;
      dragged = null;
      if (!ramp) return;
      const [low, high] = now.header.window, one = (high - low) / 255;
      now.tell({ window: [low + ramp[0] * one, low + ramp[1] * one] });
    });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      const at = [...root.ecgviz.at];
      at[axis] += Math.sign(event.deltaY) * (event.shiftKey ? 10 : 1);
      move(at);
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const [r, c] = others(axis), steps = {
        ArrowUp: [r, -1], ArrowDown: [r, 1], ArrowLeft: [c, -1], ArrowRight: [c, 1], PageUp: [axis, -1], PageDown: [axis, 1],
      }[event.key];
      if (!steps) return;
      event.preventDefault(); event.stopPropagation();
      const at = [...root.ecgviz.at];
      at[steps[0]] += steps[1] * (event.shiftKey ? 10 : 1);
      move(at);
    });
  }

  state.tell = tell;
  state.points = null;
  const watcher = new ResizeObserver(() => header.planes.forEach((_, place) => draw(place)));
  watcher.observe(root);
  return () => watcher.disconnect();
}
