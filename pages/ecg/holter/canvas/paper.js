// One paper: its state, what is drawn in a frame, and what is told to the server.
const MINI_PX = 44,
  SETTLED_MS = 350,
  BATCH_MS = 120,
  ASK_MS = 3000,
  LEAST_S = 0.4;

class Paper {
  constructor(root) {
    this.root = root;
    this.canvas = root.querySelector("canvas.paper");
    this.mini = root.querySelector("canvas.mini");
    this.s = {
      tiles: new Tiles(),
      beats: null,
      map: null,
      parts: null,
      middles: [],
      calipers: null,
      reading: null,
      chosen: null,
      selected: new Set(),
      snap: true,
      march: false,
      qt: false,
      gain: 10,
      dirty: true,
      jumped: true,
      waiting: false,
    };
    this.view = { start: 0, seconds: 10 };
    this.mode = "pan";
    this.presses = [];
    this.last = 0;
    this.move = null;
    this.turn = 0;
    this.reported = "";
    this.frames = [];
    new ResizeObserver(() => this.resized()).observe(root);
    this.wire();
  }

  /** What the server draws: the paper, its map and reasons, and where it wants the view to be. */
  async receive(data, send) {
    const turn = ++this.turn;
    this.send = send;
    const message = await opened(data),
      paper = message.header;
    const map = paper.map && { ...paper.map, pictures: await pictures(paper.map, message.arrays) };
    if (turn !== this.turn) return;
    this.moved = false;
    const s = this.s,
      first = !s.paper,
      other = first || s.paper.source !== paper.source;
    Object.assign(s, { paper, map, parts: paper.parts });
    this.done(paper.view.done);
    if (other) {
      s.tiles.source = null;
      s.tiles.kept.clear();
      s.tiles.asked = null;
      s.middles = [];
      s.calipers = null;
      s.jumped = true;
    }
    if (this.answer !== paper.answer) {
      this.answer = paper.answer;
      this.beatsMessage = s.beats = null;
      s.selected.clear();
    }
    if (first || other || paper.gain !== this.gainTold) {
      s.gain = paper.gain;
      this.gainTold = paper.gain;
    }
    if (first || other || paper.seconds !== this.secondsTold) {
      this.secondsTold = paper.seconds;
      this.view.seconds = paper.seconds;
      s.jumped = true;
    }
    if (first || other || paper.view.move !== this.move) {
      this.move = paper.view.move;
      this.choose(paper.view.chosen, false);
      this.lead(paper.view.start + paper.seconds / 2, paper.view.start);
    } else if (paper.view.heard >= this.last && !this.settling) this.choose(paper.view.chosen, false);
    this.root.querySelector(".alt").textContent = paper.alt;
    this.canvas.setAttribute("aria-label", paper.alt);
    this.root.classList.toggle("dark", paper.theme === "dark");
    legend(this.root, map, paper);
    this.laid = null;
    for (const kind of ["beats", "tiles"]) this.fed(kind, hub.feeds[`${this.place} ${kind}`]?.message ?? null);
    this.draw();
  }

  fed(kind, message) {
    const s = this.s;
    if (!message || !s.paper) return this.draw();
    if (kind === "tiles") {
      s.tiles.take(s.paper.source, message);
      if (message.header.number >= s.tiles.number) s.tiles.asked = null;
    } else if (message !== this.beatsMessage) {
      this.beatsMessage = message;
      const had = Boolean(s.beats?.header.rhythms.length);
      s.beats = message.header.source === s.paper.answer ? new BeatList(message, s.paper.fs) : null;
      this.done(message.header.done);
      for (const press of this.presses) this.foresee(press);
      if (had !== Boolean(s.beats?.header.rhythms.length)) this.laid = null;
      this.background = null;
    }
    return this.draw();
  }

  done(number) {
    this.presses = this.presses.filter((press) => press.n > number);
  }

  geometry() {
    const width = Math.floor(this.root.clientWidth),
      s = this.s;
    if (!s.paper || width < 120) return null;
    const tags = s.paper.rhythms || Boolean(s.beats?.header.rhythms.length),
      key = `${width} ${devicePixelRatio} ${tags}`;
    if (this.laid?.key !== key) {
      this.laid = { ...layOut(s.paper, width, tags), key };
      this.background = null;
      sized(this.canvas, width, this.laid.height);
      sized(this.mini, width, MINI_PX);
    }
    return this.laid;
  }

  resized() {
    this.laid = null;
    this.draw();
  }

  draw() {
    this.s.dirty = true;
    if (!this.frame)
      this.frame = requestAnimationFrame((at) => {
        this.frame = null;
        this.paint(at);
      });
  }

  paint(at) {
    const g = this.geometry(),
      s = this.s;
    if (!g) return;
    s.dirty = false;
    const begun = performance.now(),
      c = this.canvas.getContext("2d", { alpha: false });
    c.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    grid(c, s.paper, g, this.view);
    for (const lane of g.lanes) {
      lane.middle = s.middles[lane.column] ?? 0;
      lane.px = -lane.scale * g.mm * s.paper.steps[lane.column] * (s.gain / s.paper.gain);
    }
    behind(c, s, this.view, g);
    signal(c, s, this.view, g, devicePixelRatio);
    coloured(c, s, this.view, g);
    if (s.beats) {
      c.save();
      c.beginPath();
      c.rect(g.x0 - 12, 0, g.plot + 24, g.bottom);
      c.clip();
      if (g.tags) rhythms(c, s, this.view, g);
      beatMarks(c, s, this.view, g);
      if (s.paper.annotated) reference(c, s, this.view, g);
      c.restore();
    }
    if (s.calipers) {
      s.reading = reading(s, g);
      calipers(c, s, this.view, g);
    }
    if (this.box) outlined(c, this.box, s.paper.colours);
    margins(c, s, this.view, g);
    this.overview(g);
    this.frames.push([at, performance.now() - begun]);
    if (this.frames.length > 600) this.frames.shift();
    this.ask(g);
    if (s.dirty) this.draw();
  }

  overview(g) {
    const s = this.s,
      ratio = devicePixelRatio;
    if (!this.background) {
      this.background = document.createElement("canvas");
      sized(this.background, g.width, MINI_PX);
      const c = this.background.getContext("2d");
      c.setTransform(ratio, 0, 0, ratio, 0, 0);
      minimap(c, s, g.width);
    }
    const c = this.mini.getContext("2d"),
      whole = s.paper.n_samples / s.paper.fs,
      wide = g.width - g.left - RIGHT_PX;
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.drawImage(this.background, 0, 0);
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    const x = g.left + (this.view.start / whole) * wide,
      size = Math.max((this.view.seconds / whole) * wide, 4);
    c.fillStyle = c.strokeStyle = s.paper.colours.text;
    c.globalAlpha = 0.18;
    c.fillRect(x, 0, size, MINI_PX);
    c.globalAlpha = 1;
    c.lineWidth = 1.5;
    c.strokeRect(x, 1, size, MINI_PX - 2);
    this.mini.setAttribute("aria-valuenow", Math.round(this.view.start));
    this.mini.setAttribute("aria-valuemax", Math.round(Math.max(whole - this.view.seconds, 0)));
    this.mini.setAttribute(
      "aria-valuetext",
      `view from ${clock(this.view.start, whole >= 3600)} to ${clock(this.view.start + this.view.seconds, whole >= 3600)}`,
    );
  }

  /** Ask for tiles that the view and its neighbours need and that are not here; one request at a time. */
  ask(g) {
    const s = this.s,
      feed = hub.feeds[`${this.place} tiles`],
      now = performance.now();
    if (!feed || (s.tiles.asked && now - s.tiles.asked < ASK_MS)) return;
    const need = wanted(s.paper, this.view, g.plot, s.paper.levels, devicePixelRatio),
      seen = need.to - need.from;
    const list = [],
      add = (level, from, to) => {
        const last = Math.floor((Math.ceil(s.paper.n_samples / FACTOR ** level) - 1) / TILE);
        for (let i = Math.max(Math.floor(from / TILE), 0); i <= Math.min(Math.floor(to / TILE), last); i++) {
          const key = `${level} ${i}`;
          if (
            !s.tiles.kept.has(key) &&
            !((s.tiles.again.get(key) ?? 0) > now) &&
            !list.some((one) => one[0] === level && one[1] === i)
          )
            list.push([level, i]);
        }
      };
    add(need.level, need.from, need.to);
    const pressing = list.length;
    add(need.level, need.from - seen * 1.5, need.to + seen * 1.5);
    const up = Math.min(need.level + 1, s.paper.levels - 1),
      size = FACTOR ** (up - need.level);
    add(up, need.from / size - seen, need.to / size + seen);
    if (list.length) {
      s.tiles.asked = now;
      s.tiles.number = Math.max(s.tiles.number + 1, Date.now());
      const number = s.tiles.number,
        tiles = list.slice(0, Math.max(10, pressing));
      setTimeout(() => feed.send("want", { source: s.paper.source, number, tiles }), 0);
    }
    const later = Math.min(...[...s.tiles.again.values()].filter((one) => one > now), Infinity);
    clearTimeout(this.later);
    if (s.waiting || list.length)
      this.later = setTimeout(
        () => this.draw(),
        list.length ? ASK_MS + 50 : Math.min(Math.max(later - now, 50), ASK_MS),
      );
  }

  /** Move the view; the server hears of it when it rests. */
  to(start, tell = true) {
    const whole = this.s.paper.n_samples / this.s.paper.fs;
    this.view.seconds = Math.min(Math.max(this.view.seconds, LEAST_S), whole);
    this.view.start = Math.min(Math.max(start, 0), Math.max(whole - this.view.seconds, 0));
    if (tell) this.tell();
    this.draw();
  }

  /** Where the page wants the view: as it says, or of another length around the same beat or middle. */
  lead(middle, start) {
    const s = this.s,
      zoomed = Math.abs(this.view.seconds - s.paper.seconds) > 0.01 * s.paper.seconds,
      i = s.beats ? s.beats.indexOf(s.chosen) : -1;
    this.to(zoomed ? (i < 0 ? middle : s.beats.time[i]) - this.view.seconds / 2 : start, false);
    clearTimeout(this.settling);
    this.settling = null;
    this.reported = this.told();
    s.jumped = true;
  }

  zoom(factor, x) {
    const g = this.geometry(),
      share = Math.min(Math.max((x - g.x0) / g.plot, 0), 1),
      at = this.view.start + share * this.view.seconds;
    this.view.seconds = Math.min(
      Math.max(this.view.seconds * factor, LEAST_S),
      this.s.paper.n_samples / this.s.paper.fs,
    );
    this.to(at - share * this.view.seconds);
  }

  choose(number, tell = true) {
    this.s.chosen = number ?? null;
    if (tell) this.tell();
    this.draw();
  }

  show(index) {
    const beats = this.s.beats;
    if (index < 0) return;
    this.choose(beats.number[index]);
    this.s.jumped = true;
    this.to(beats.time[index] - this.view.seconds / 2);
    this.say(`${beats.words[beats.letter[index]]} at ${clock(beats.time[index], true, 1)}`);
  }

  told() {
    return JSON.stringify([
      Math.round(this.view.start * 1000),
      this.s.chosen,
      this.s.gain,
      this.s.calipers && [this.s.calipers.from, this.s.calipers.to],
    ]);
  }

  tell() {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.report(), SETTLED_MS);
  }

  report() {
    clearTimeout(this.settling);
    this.settling = null;
    const beats = this.s.beats,
      i = beats ? beats.indexOf(this.s.chosen) : -1,
      box = this.s.calipers;
    if (this.told() === this.reported) return;
    this.reported = this.told();
    this.last = Math.max(this.last + 1, Date.now() * 100);
    this.send("view", {
      n: this.last,
      source: this.s.paper.source,
      start: this.view.start,
      middle: this.view.start + this.view.seconds / 2,
      seconds: this.view.seconds,
      beat: i < 0 ? null : beats.sample[i],
      gain: this.s.gain,
      calipers: box && [box.from, box.to],
    });
  }

  /** An edit: shown at once, and sent with others that follow it, for the beats that are on the screen. */
  press(key, seen) {
    this.last = Math.max(this.last + 1, Date.now() * 100);
    const press = { n: this.last, key, seen, revision: this.beatsMessage?.header.revision ?? 0 };
    this.presses.push(press);
    this.foresee(press);
    clearTimeout(this.batch);
    this.batch = setTimeout(() => {
      if (this.settling) this.report();
      this.send("pressed", [...this.presses]);
    }, BATCH_MS);
    this.draw();
  }

  foresee(press) {
    const [kind, ...numbers] = (press.seen ?? "").split(" ");
    if (kind !== "beats" || !EDITS.includes(press.key)) return;
    this.s.beats?.edit(press.key, numbers.map(Number));
    this.background = null;
  }

  say(text) {
    this.root.querySelector(".said").textContent = text;
  }
  shown() {
    return this.s.paper && this.root.isConnected && this.root.clientWidth > 0;
  }
}
