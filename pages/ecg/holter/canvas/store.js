// What the paper knows: tiles of the signal by level and index, the beats, and edits that the server has not answered.
const MISSING = -32768,
  FACTOR = 4,
  TILE = 2048,
  MOST_TILES = 400;

class Tiles {
  constructor() {
    this.source = null;
    this.kept = new Map();
    this.asked = null;
    this.number = 0;
    this.again = new Map();
  }

  take(source, message) {
    if (message.header.source !== source) return;
    if (this.source !== source) {
      this.kept.clear();
      this.again.clear();
      this.source = source;
    }
    for (const [level, index, name] of message.header.tiles) {
      const key = `${level} ${index}`;
      this.kept.delete(key);
      this.kept.set(key, message.arrays[name]);
    }
    for (const [level, index] of message.header.pending) this.again.set(`${level} ${index}`, performance.now() + 1000);
    while (this.kept.size > MOST_TILES) this.kept.delete(this.kept.keys().next().value);
  }

  get(level, index) {
    return this.kept.get(`${level} ${index}`);
  }

  /** The finest level up to `coarsest` that has every tile of columns a to b of `level`; null where none has. */
  best(level, a, b, coarsest) {
    for (let k = level; k <= coarsest; k++) {
      const size = TILE * FACTOR ** (k - level);
      let all = true;
      for (let i = Math.floor(a / size); all && i <= Math.floor(b / size); i++) all = this.kept.has(`${k} ${i}`);
      if (all) return k;
    }
    return null;
  }
}

class BeatList {
  constructor(message, fs) {
    const { header, arrays } = message,
      n = arrays.sample.length;
    Object.assign(this, { header, n, letters: header.letters, colours: header.colours, words: header.words });
    this.sample = new Float64Array(n);
    this.time = new Float64Array(n);
    this.number = new Float64Array(n);
    for (let i = 0, at = 0; i < n; i++) {
      at += arrays.sample[i];
      this.sample[i] = at;
      this.time[i] = (at + arrays.offset[i] / 100) / fs;
      this.number[i] = at + arrays.number[i];
    }
    this.letter = Uint8Array.from(arrays.letter);
    this.flags = Uint8Array.from(arrays.flags);
    this.gone = new Uint8Array(n);
    this.confidence = arrays.confidence;
    this.entropy = arrays.entropy;
    this.deleted = Float64Array.from(arrays.deleted, (one) => one / fs);
    this.rejected = Float64Array.from(arrays.rejected, (one) => one / fs);
    let sample = 0;
    this.reference = Float64Array.from(arrays.reference ?? [], (step) => (sample += step) / fs);
    this.referenceLetter = arrays.reference_letter;
  }

  /** Index of the first beat at or behind a time. */
  from(time_s) {
    let low = 0,
      high = this.n;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.time[middle] < time_s) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  indexOf(number) {
    if (number === null || number === undefined) return -1;
    this.places ??= new Map(Array.from(this.number, (one, i) => [one, i]));
    return this.places.get(number) ?? -1;
  }

  /** RR interval before a beat, s; NaN across a gap. A deleted beat is bridged, a rejected one is not. */
  rr(index) {
    if (index <= 0 || this.flags[index] & 4) return NaN;
    return this.time[index] - this.time[index - 1];
  }

  nearest(time_s) {
    const right = this.from(time_s);
    const near = [right - 1, right].filter((i) => i >= 0 && i < this.n && !this.gone[i]);
    return near.sort((a, b) => Math.abs(this.time[a] - time_s) - Math.abs(this.time[b] - time_s))[0] ?? -1;
  }

  /** The first beat behind a time that is one of these letters, from the first again after the last; -1 for none. */
  next(letters, after_s, step = 1) {
    const start = step > 0 ? this.from(after_s + 1e-6) : this.from(after_s - 1e-6) - 1;
    for (let k = 0; k < this.n; k++) {
      const i = (((start + step * k) % this.n) + this.n) % this.n;
      if (letters.includes(this.letters[this.letter[i]]) && !this.gone[i]) return i;
    }
    return -1;
  }

  /** Show an edit before the server has entered it. */
  edit(key, numbers) {
    for (const number of numbers) {
      const i = this.indexOf(number);
      if (i < 0) continue;
      const letter = this.letters.indexOf(key.toUpperCase());
      if (key === "x" || key === "d") this.gone[i] = key === "x" ? 2 : 1;
      else if (key === "y") this.flags[i] |= 2;
      else if (letter >= 0) {
        if (this.letter[i] !== letter) this.flags[i] |= 1;
        this.letter[i] = letter;
        this.flags[i] |= 2;
      }
    }
  }
}

function clock(seconds, hours, decimals = 0) {
  const units = Math.round(Math.max(seconds, 0) * 10 ** decimals),
    whole = Math.floor(units / 10 ** decimals);
  const two = (value) => String(value).padStart(2, "0"),
    minutes = Math.floor(whole / 60);
  const tail = two(whole % 60) + (decimals ? `.${String(units % 10 ** decimals).padStart(decimals, "0")}` : "");
  return hours ? `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${tail}` : `${two(minutes)}:${tail}`;
}
