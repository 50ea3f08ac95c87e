// What a hand does: drags, clicks, the wheel, a pinch, and the pointer that reads values; and where a paper is mounted.
const CLICK_PX = 4,
  NEAR_PX = 14,
  EDGE_PX = 7;

Object.assign(Paper.prototype, {
  wire() {
    const canvas = this.canvas,
      at = (event) => {
        const box = canvas.getBoundingClientRect();
        return { x: event.clientX - box.left, y: event.clientY - box.top };
      };
    this.fingers = new Map();
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button === 0) this.down(event, at(event));
    });
    canvas.addEventListener("pointermove", (event) => {
      this.pointer = at(event);
      this.drag ? this.dragged(event, at(event)) : this.hover(at(event));
    });
    for (const name of ["pointerup", "pointercancel"])
      canvas.addEventListener(name, (event) => this.up(event, at(event)));
    canvas.addEventListener("pointerleave", () => {
      this.pointer = null;
      this.tip(null);
    });
    canvas.addEventListener("dblclick", () => {
      this.view.seconds = this.s.paper.seconds;
      this.to(this.view.start);
    });
    canvas.addEventListener("wheel", (event) => this.wheel(event, at(event)), { passive: false });
    const scrub = (event) => {
      const g = this.geometry(),
        box = this.mini.getBoundingClientRect(),
        whole = this.s.paper.n_samples / this.s.paper.fs;
      this.to(((event.clientX - box.left - g.left) / (g.width - g.left - RIGHT_PX)) * whole - this.view.seconds / 2);
      this.within();
    };
    this.mini.addEventListener("pointerdown", (event) => {
      this.mini.setPointerCapture(event.pointerId);
      this.scrubbing = true;
      scrub(event);
    });
    this.mini.addEventListener("pointermove", (event) => {
      if (this.scrubbing) scrub(event);
    });
    for (const name of ["pointerup", "pointercancel"])
      this.mini.addEventListener(name, () => {
        this.scrubbing = false;
      });
    this.root.addEventListener("click", (event) => this.button(event.target.closest("button")));
    this.keys = (event) => pressed(this, event);
    this.clicks = (event) => {
      if (!event.composedPath().includes(this.root)) this.moved = true;
    };
    this.listen();
  },

  /** Take keys; again where the place was taken down and is mounted anew. A second time changes nothing. */
  listen() {
    window.addEventListener("keydown", this.keys, true);
    document.addEventListener("click", this.clicks, true);
  },

  button(button) {
    if (!button || !this.s.paper) return;
    const { do: what } = button.dataset,
      g = this.geometry(),
      s = this.s;
    if (what === "measure") this.setMode(this.mode === "measure" ? "pan" : "measure");
    else if (what === "in" || what === "out") this.zoom(what === "in" ? 0.5 : 2, g.x0 + g.plot / 2);
    else if (what === "fit") {
      this.view.seconds = s.paper.seconds;
      this.to(this.view.start);
    } else if (["snap", "march", "qt"].includes(what)) {
      s[what] = !s[what];
      button.setAttribute("aria-pressed", s[what]);
      this.draw();
    } else if (what?.startsWith("key ")) this.act(what.slice(4));
  },

  down(event, p) {
    const g = this.geometry(),
      s = this.s;
    if (!g) return;
    this.canvas.focus({ preventScroll: true });
    this.canvas.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, p);
    this.tip(null);
    if (this.fingers.size === 2) {
      const [a, b] = [...this.fingers.values()];
      this.drag = {
        kind: "pinch",
        apart: Math.max(Math.abs(a.x - b.x), 20),
        seconds: this.view.seconds,
        at: this.timeAt((a.x + b.x) / 2),
      };
      return;
    }
    const held = s.calipers && this.held(p, g);
    const kind = event.shiftKey ? "select" : held ? held : this.mode === "measure" || event.altKey ? "measure" : "pan";
    this.drag = {
      kind,
      from: p,
      start: this.view.start,
      box: s.calipers && { ...s.calipers },
      time: this.timeAt(p.x),
      far: false,
    };
  },

  /** The part of the calipers under a point. */
  held(p, g) {
    const box = this.s.calipers,
      x = (time) => g.x0 + ((time - this.view.start) / this.view.seconds) * g.plot;
    const [y0, y1] = [Math.min(box.y0, box.y1), Math.max(box.y0, box.y1)];
    if (p.y < y0 - EDGE_PX || p.y > y1 + EDGE_PX) return null;
    if (Math.abs(p.x - x(box.from)) <= EDGE_PX) return "from";
    if (Math.abs(p.x - x(box.to)) <= EDGE_PX) return "to";
    return p.x > Math.min(x(box.from), x(box.to)) && p.x < Math.max(x(box.from), x(box.to)) ? "whole" : null;
  },

  dragged(event, p) {
    const d = this.drag,
      g = this.geometry(),
      s = this.s,
      second = g.plot / this.view.seconds;
    if (this.fingers.has(event.pointerId)) this.fingers.set(event.pointerId, p);
    if (d.kind === "pinch") {
      const [a, b] = [...this.fingers.values()];
      if (!b) return;
      this.view.seconds = Math.min(
        Math.max((d.seconds * d.apart) / Math.max(Math.abs(a.x - b.x), 20), LEAST_S),
        s.paper.n_samples / s.paper.fs,
      );
      this.to(d.at - (((a.x + b.x) / 2 - g.x0) / g.plot) * this.view.seconds);
      return;
    }
    d.far ||= Math.hypot(p.x - d.from.x, p.y - d.from.y) >= CLICK_PX;
    if (!d.far) return;
    const time = event.altKey && d.kind !== "measure" ? this.timeAt(p.x) : snapped(s, this.timeAt(p.x), second);
    if (d.kind === "pan") this.to(d.start - (p.x - d.from.x) / second);
    else if (d.kind === "select") this.box = { x0: d.from.x, y0: d.from.y, x1: p.x, y1: p.y };
    else if (d.kind === "measure") s.calipers = { from: snapped(s, d.time, second), to: time, y0: d.from.y, y1: p.y };
    else if (d.kind === "whole") {
      const by = this.timeAt(p.x) - d.time,
        down = p.y - d.from.y,
        from = snapped(s, d.box.from + by, second);
      s.calipers = { from, to: d.box.to + from - d.box.from, y0: d.box.y0 + down, y1: d.box.y1 + down };
    } else s.calipers = { ...s.calipers, [d.kind]: time };
    this.draw();
  },

  up(event, p) {
    const d = this.drag;
    this.fingers.delete(event.pointerId);
    if (!d || (d.kind === "pinch" && this.fingers.size)) return;
    this.drag = null;
    if (event.type === "pointercancel") {
      this.box = null;
      this.draw();
      return;
    }
    if (d.kind === "pan" && d.far) {
      this.within();
      this.tell();
    } else if (d.kind === "select") this.boxed(d, p);
    else if (!d.far) this.clicked(event, p);
    else this.tell();
    this.draw();
  },

  boxed(d, p) {
    const beats = this.s.beats;
    this.box = null;
    if (!beats || !d.far) return;
    const [from, to] = [this.timeAt(d.from.x), this.timeAt(p.x)].sort((a, b) => a - b),
      numbers = [];
    for (let i = beats.from(from); i < beats.from(to); i++) if (!beats.gone[i]) numbers.push(beats.number[i]);
    this.select(numbers, { x: Math.min(d.from.x, p.x), y: Math.max(d.from.y, p.y) });
  },

  clicked(event, p) {
    const beats = this.s.beats,
      g = this.geometry(),
      second = g.plot / this.view.seconds;
    if (!beats) return;
    const i = beats.nearest(this.timeAt(p.x));
    const near = i >= 0 && Math.abs(beats.time[i] - this.timeAt(p.x)) * second <= NEAR_PX;
    if (!near) {
      if (this.s.selected.size) this.select([]);
      return;
    }
    this.moved = false;
    if (event.ctrlKey || event.metaKey) {
      const numbers = new Set(this.s.selected);
      if (!numbers.delete(beats.number[i])) numbers.add(beats.number[i]);
      this.select([...numbers], p);
      return;
    }
    if (this.s.selected.size) this.select([]);
    this.choose(beats.number[i]);
  },

  wheel(event, p) {
    const g = this.geometry();
    if (!g) return;
    const along = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey,
      unit = event.deltaMode === 1 ? 16 : 1;
    const zooms = event.ctrlKey || event.metaKey || (!along && inner() === this.canvas);
    if (!along && !zooms) return;
    event.preventDefault();
    this.tip(null);
    if (along) {
      this.to(this.view.start + ((event.deltaX || event.deltaY) * unit * this.view.seconds) / g.plot);
      this.within();
      return;
    }
    this.zoom(Math.exp(Math.min(Math.max(event.deltaY * unit, -60), 60) * (event.ctrlKey ? 0.01 : 0.003)), p.x);
  },

  hover(p) {
    const beats = this.s.beats,
      g = this.geometry();
    if (!g || !this.s.paper) return;
    const held = this.s.calipers && this.held(p, g);
    this.canvas.style.cursor = held === "whole" ? "move" : held ? "ew-resize" : "";
    const i = beats ? beats.nearest(this.timeAt(p.x)) : -1;
    const near =
      i >= 0 && Math.abs(beats.time[i] - this.timeAt(p.x)) * (g.plot / this.view.seconds) <= (p.y < g.top ? 12 : 8);
    this.tip(near ? this.told_of(i) : null, p);
    this.root.querySelector(".readout").textContent = this.under(p, g);
  },

  told_of(i) {
    const beats = this.s.beats,
      rr = beats.rr(i),
      lines = [
        `${beats.words[beats.letter[i]]}${beats.flags[i] & 1 ? " · changed by hand" : ""}`,
        `probability ${(beats.confidence[i] / 100).toFixed(2)}, entropy ${(beats.entropy[i] / 100).toFixed(2)} bit`,
        `at ${clock(beats.time[i], beats.time[i] >= 3600, 3)}, beat ${i + 1}`,
      ];
    const after = i + 1 < beats.n ? beats.rr(i + 1) : NaN,
      ms = (value) => `${Math.round(value * 1000)} ms`;
    if (rr > 0) lines.push(`RR before ${ms(rr)}${after > 0 ? `, after ${ms(after)}` : ""}, ${Math.round(60 / rr)}/min`);
    return lines;
  },

  under(p, g) {
    const time = this.timeAt(p.x),
      lane = laneAt(g, p.y),
      s = this.s,
      need = wanted(s.paper, this.view, g.plot, s.paper.levels, devicePixelRatio);
    if (p.x < g.x0 || p.x > g.x0 + g.plot || !lane) return "";
    const column = Math.floor((time * s.paper.fs) / FACTOR ** need.level),
      tile = s.tiles.get(need.level, Math.floor(column / TILE));
    const value = tile
      ? tile[(lane.column * tile.shape[1] + (column % TILE)) * tile.shape[2] + tile.shape[2] - 1]
      : undefined;
    const told =
      value === undefined || value === MISSING
        ? "no signal"
        : lane.unit === "mV"
          ? `${(value * s.paper.steps[lane.column]).toFixed(2)} mV`
          : `${(value * s.paper.steps[lane.column]).toPrecision(3)} (unit unknown)`;
    return `${clock(time, s.paper.n_samples / s.paper.fs >= 3600, 3)} · ${lane.lead} ${told}`;
  },

  tip(lines, p) {
    const tip = this.root.querySelector(".tip");
    tip.hidden = !lines;
    if (!lines) return;
    tip.textContent = lines.join("\n");
    tip.style.left = `${Math.max(Math.min(p.x + 12, this.root.clientWidth - tip.offsetWidth - 4), 0)}px`;
    tip.style.top = `${this.canvas.offsetTop + p.y + 16}px`;
  },

  close() {
    window.removeEventListener("keydown", this.keys, true);
    document.removeEventListener("click", this.clicks, true);
    for (const timer of [this.settling, this.batch, this.later]) clearTimeout(timer);
    if (hub.papers[this.place] === this) delete hub.papers[this.place];
  },
});

hub.mount = ({ data, parentElement, setStateValue }) => {
  const root = parentElement.querySelector(".root");
  if (!root || !data) return undefined;
  const paper = (root.paper ??= new Paper(root));
  paper.place = data[MARK];
  hub.papers[paper.place] = paper;
  paper.listen();
  paper.receive(data, setStateValue);
  // A place may be mounted anew before it is told that the former mount ended: only the last one's end counts.
  const own = (paper.own = {});
  return () => {
    if (paper.own === own) paper.close();
  };
};

export default function () {
  for (const mount of hub.waiting?.splice(0) ?? []) mount();
}
