// What a key or a button means: where to go, what to edit, what to let go.

Object.assign(Paper.prototype, {
  /** Do what a key means; whether it was ours. */
  act(key) {
    const s = this.s,
      beats = s.beats,
      [verb, value] = key.split(" "),
      whole = s.paper.n_samples / s.paper.fs;
    if (verb === "view") {
      s.jumped = true;
      this.to(this.view.start + Number(value) * this.view.seconds);
      this.within();
      return true;
    }
    if (verb === "Home" || verb === "End") {
      s.jumped = true;
      this.to(verb === "Home" ? 0 : whole);
      this.within();
      return true;
    }
    if (verb === "gain") {
      this.amplify(Number(value));
      return true;
    }
    if (verb === "measure") {
      this.setMode(this.mode === "measure" ? "pan" : "measure");
      return true;
    }
    if (verb === "Escape") return this.escape();
    if (!beats) return false;
    if (verb === "next" || verb === "back" || verb === "beat") return this.go(verb, value);
    if (!s.paper.view.review) return false;
    if (key === "undo" || key === "redo" || ASKS.includes(key)) {
      this.press(key, null);
      if (ASKS.includes(key)) this.moved = true;
      return true;
    }
    return this.edit(key);
  },

  go(verb, value) {
    const beats = this.s.beats,
      at = beats.indexOf(this.s.chosen),
      after = at < 0 ? this.view.start : beats.time[at];
    this.moved = false;
    if (verb !== "beat" && !value && this.s.paper.events === false) return false; // only the page goes in that order
    if (verb !== "beat" && !value && this.s.paper.events)
      return this.toEvent(verb === "back" ? -1 : 1, at < 0 ? this.view.start + this.view.seconds / 2 : after);
    if (verb !== "beat") {
      const found = beats.next(value ? [value.toUpperCase()] : ["V", "S", "F"], after, verb === "back" ? -1 : 1);
      if (found < 0) {
        this.say("There is no such beat.");
        return true;
      }
      if (verb === "next" && beats.time[found] <= after) this.say("Starting again from the first.");
      this.show(found);
      return true;
    }
    const step = Number(value);
    let i = at < 0 ? beats.nearest(this.view.start + this.view.seconds / 2) : at + step;
    while (i >= 0 && i < beats.n && beats.gone[i]) i += step;
    if (i < 0 || i >= beats.n) return true;
    const seen = beats.time[i] >= this.view.start && beats.time[i] <= this.view.start + this.view.seconds;
    if (seen) this.choose(beats.number[i]);
    else this.show(i);
    return true;
  },

  /** The next or previous of the events that the page goes through: sample numbers, in order. */
  toEvent(step, after) {
    const s = this.s,
      { events, fs } = s.paper,
      beats = s.beats,
      kept = this.event; // where no beat is, the chosen one is another, and would lead here again
    if (kept?.chosen === s.chosen && Math.abs(kept.start - this.view.start) < 0.01) after = kept.time;
    if (!events.length) {
      this.say("There is no such event.");
      return true;
    }
    const behind = events.findIndex((sample) => sample / fs > after + 1e-6),
      before = events.findLastIndex((sample) => sample / fs < after - 1e-6);
    const time = events.at(step > 0 ? Math.max(behind, 0) : before) / fs,
      i = beats.nearest(time);
    if (i >= 0 && Math.abs(beats.time[i] - time) <= 0.15) this.show(i);
    else {
      s.jumped = true;
      this.to(time - this.view.seconds / 2);
      this.within();
    }
    this.event = { time, chosen: s.chosen, start: this.view.start };
    return true;
  },

  edit(key) {
    const s = this.s,
      beats = s.beats,
      family = s.paper.view.family;
    if (key === "a" && family === null) return this.add();
    if (this.moved) {
      this.press(key, null);
      return true;
    }
    if (family !== null && !s.selected.size) {
      this.press(key, `family ${family}`);
      return true;
    }
    const numbers = s.selected.size ? [...s.selected] : s.chosen === null ? [] : [s.chosen];
    if (!numbers.length || key === "a") return true;
    if (!s.paper.view.named) {
      this.say("Write your name first: it signs every edit.");
      this.press(key, `beats ${numbers.join(" ")}`);
      return true;
    }
    const last = beats.indexOf(numbers[numbers.length - 1]);
    this.press(key, `beats ${numbers.join(" ")}`);
    if (key === "d" || key === "x") {
      const step = [last + 1, last - 1].find((i) => i >= 0 && i < beats.n && !beats.gone[i]);
      this.choose(step === undefined ? null : beats.number[step]);
    }
    if (numbers.length > 1) this.select([]);
    return true;
  },

  /** Add a beat where the pointer is; the server puts it on the R peak next to it. */
  add() {
    const x = this.pointer?.x,
      g = this.geometry();
    if (x === undefined || x < g.x0 || x > g.x0 + g.plot) {
      this.say("Point at the R peak to add a beat there.");
      return true;
    }
    this.press("a", `at ${Math.round(this.timeAt(x) * this.s.paper.fs)}`);
    return true;
  },

  amplify(step) {
    const at = GAINS.findIndex((one) => one === this.s.gain),
      gain = GAINS[Math.min(Math.max((at < 0 ? 1 : at) + step, 0), GAINS.length - 1)];
    if (gain === this.s.gain) return;
    this.s.gain = gain;
    this.tell();
    this.draw();
  },

  escape() {
    const s = this.s,
      menu = this.root.querySelector(".menu");
    if (!menu.hidden || s.selected.size) {
      this.select([]);
      return true;
    }
    if (s.calipers) {
      s.calipers = null;
      this.tell();
      this.draw();
      return true;
    }
    if (this.mode !== "pan") {
      this.setMode("pan");
      return true;
    }
    if (s.paper.view.family !== null) {
      this.press("escape", null);
      return true;
    }
    return false;
  },

  /** The beat that the view is about, as the server has it: the chosen one, else the one nearest the middle. */
  within() {
    const beats = this.s.beats;
    if (!beats) return;
    const end = this.view.start + this.view.seconds,
      at = beats.indexOf(this.s.chosen);
    if (at >= 0 && beats.time[at] >= this.view.start && beats.time[at] <= end) return;
    const from = beats.from(this.view.start),
      to = beats.from(end),
      middle = (this.view.start + end) / 2;
    let best = -1,
      telling = false;
    for (let i = from; i < to; i++) {
      if (beats.gone[i]) continue;
      const ectopic = "VSF".includes(beats.letters[beats.letter[i]]);
      if (
        best < 0 ||
        (ectopic && !telling) ||
        (ectopic === telling && Math.abs(beats.time[i] - middle) < Math.abs(beats.time[best] - middle))
      )
        best = i;
      telling ||= ectopic;
    }
    this.s.chosen = best < 0 ? null : beats.number[best];
  },

  timeAt(x) {
    const g = this.geometry();
    return this.view.start + ((x - g.x0) / g.plot) * this.view.seconds;
  },

  setMode(mode) {
    this.mode = mode;
    const tool = this.root.querySelector("[data-do=measure]");
    tool.setAttribute("aria-pressed", mode === "measure");
    this.canvas.classList.toggle("measuring", mode === "measure");
    this.root.querySelector(".caliper-tools").hidden = mode !== "measure";
  },

  select(numbers, place) {
    this.s.selected = new Set(numbers);
    const menu = this.root.querySelector(".menu");
    menu.hidden = numbers.length < 1;
    if (numbers.length && place) {
      menu.querySelector(".many").textContent = `${numbers.length} beat${numbers.length > 1 ? "s" : ""}:`;
      menu.setAttribute("aria-label", `Label ${numbers.length} beats`);
      menu.style.left = `${Math.max(Math.min(place.x, this.root.clientWidth - menu.offsetWidth - 8), 8)}px`;
      menu.style.top = `${this.canvas.offsetTop + Math.min(Math.max(place.y + 8, 30), this.canvas.offsetHeight - 44)}px`;
      this.say(`${numbers.length} beats selected`);
    }
    this.draw();
  },
});
