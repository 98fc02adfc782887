// A trace, for the timeline: it is asked what a live machine is asked.
//
// The hard thing is several hundred thousand events in one file: columns of numbers, most
// of them differences of one byte, and texts of which each is there once.
"use strict";

/** Numbers of seven bits a byte, the lowest first. */
Jostle.Numbers = class {
  constructor(base64) {
    this.bytes = Jostle.bytesOf(base64);
    this.at = 0;
  }

  next() {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = this.bytes[this.at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  }

  /** One that may be below zero. */
  signed() {
    const value = this.next();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
};

Jostle.Recorded = class {
  constructor(data) {
    Object.assign(this, { data, ids: data.ids, count: data.count, hidden: new Set() });
    this.readEvents(data);
    this.readRows(data);
    this.readArrows(data);
  }

  readEvents({ count, events }) {
    this.at = new Float64Array(count);
    this.cpu = new Uint8Array(count);
    this.kind = new Uint8Array(count);
    this.cause = new Uint16Array(count);
    this.env = new Uint32Array(count);
    this.text = new Uint32Array(count);
    const numbers = new Jostle.Numbers(events);
    let [at, texts] = [0, 0];
    for (let i = 0; i < count; i++) {
      at += numbers.signed();
      this.at[i] = at;
      this.cpu[i] = numbers.next();
      this.kind[i] = numbers.next();
      this.cause[i] = numbers.next();
      this.env[i] = numbers.next();
      this.text[i] = texts - numbers.next();
      if (this.text[i] === texts) texts += 1;
    }
  }

  readRows({ cpus, rows }) {
    const numbers = new Jostle.Numbers(rows);
    const words = [];
    this.changes = new Set();
    for (let cpu = 0; cpu < cpus; cpu++) {
      let since = 0;
      for (let left = numbers.next(); left > 0; left--) {
        since += numbers.next();
        this.changes.add(since);
        words.push(since % 2 ** 32, Math.floor(since / 2 ** 32), cpu, this.ids[numbers.next()]);
      }
    }
    this.tenures = Uint32Array.from(words);
    this.changes = Float64Array.from(this.changes).sort();
  }

  readArrows({ arrowCount, arrows }) {
    const numbers = new Jostle.Numbers(arrows);
    const list = Array.from({ length: arrowCount });
    let tail = 0;
    this.allArrows = list.map(() => {
      tail += numbers.next();
      const [tailCpu, length, headCpu, means, from, to] = Array.from({ length: 6 }, () => numbers.next());
      return { tail, tailCpu, head: tail + length, headCpu, means, from: this.ids[from], to: this.ids[to] };
    });
  }

  /** The arrows between those who are shown. */
  get arrows() {
    const shown = this.allArrows.filter(({ from, to }) => !this.hidden.has(from) && !this.hidden.has(to));
    return Object.fromEntries(["tail", "tailCpu", "head", "headCpu", "means"].map((name) => [name, shown.map((it) => it[name])]));
  }

  isHidden(event) {
    return this.hidden.has(this.ids[this.env[event]]);
  }

  textOf(event) {
    return this.data.texts[this.text[event]];
  }

  /** How long each environment had a CPU. */
  shares() {
    const shares = new Map();
    const words = this.tenures;
    for (let i = 0; i < words.length; i += 4) {
      const next = words[i + 6] === words[i + 2] ? Jostle.position(words, i + 4) : this.data.end;
      const env = words[i + 3];
      shares.set(env, (shares.get(env) ?? 0) + next - Jostle.position(words, i));
    }
    return shares;
  }

  // ---- What a machine is asked.

  words(name) {
    if (name === "tenures") return this.tenures;
    if (name !== "marks") return new Uint32Array();
    const words = new Uint32Array(this.count * 5);
    let length = 0;
    for (let i = 0; i < this.count; i++) {
      if (!this.data.marked.includes(this.kind[i]) || this.isHidden(i)) continue;
      words[length++] = this.at[i] % 2 ** 32;
      words[length++] = this.at[i] / 2 ** 32;
      words[length++] = this.cpu[i] | (this.kind[i] << 8) | (this.data.causes[this.cause[i]][0] << 16);
      words[length++] = this.ids[this.env[i]];
      words[length++] = i;
    }
    return words.subarray(0, length);
  }

  call() {
    return this.count;
  }

  /** All of the step that an event is of. */
  json(_, event) {
    const same = (i) => this.at[i] === this.at[event] && this.cpu[i] === this.cpu[event] && this.cause[i] === this.cause[event];
    let [from, to] = [event, event + 1];
    while (from > 0 && same(from - 1)) from -= 1;
    while (to < this.count && same(to)) to += 1;
    const records = Array.from({ length: to - from }, (_, i) => ({ kind: this.data.kinds[this.kind[from + i]], text: this.textOf(from + i) }));
    return { env: Jostle.hex(this.ids[this.env[event]]), cause: this.data.causes[this.cause[event]][1], records };
  }
};
